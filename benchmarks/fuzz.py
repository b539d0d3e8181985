"""Mutated weights files and CSVs: each is accepted as valid or refused with a sentence.

    python -m benchmarks.fuzz [--weights 20000] [--csv 5000] [--seed 0]

What is accepted must work: a weights file answers for flowers and is written and read again, a CSV
gives finite lengths. Anything else that an input does is a fault, printed with the seed and the
number of the input, which draw it again. Exit status 1 where there is one.
"""

import argparse
import json
import random
import re
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from iris_mlp.checkpoint import MAX_FILE_BYTES, SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.classify.table import MAX_BYTES, read_table
from iris_mlp.data import FEATURE_NAMES
from iris_mlp.errors import IrisMlpError
from iris_mlp.inference import Classifier

CORNERS_CM = np.array([[0.0] * 4, [100.0] * 4, [5.0, 3.0, 4.0, 1.0]])
LONGEST_SENTENCE = 500
ODD_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64 - 1, 10**400, 0.5, 1e308, -1e308),
    *(float("nan"), float("inf"), "", "x", "NaN", "1", "花", "\ud800", "<script>", "x" * 5_000),
    *([], {}, [[]], [0] * 1_000, {"a": {}}, [1, 4], [4, 10], [10, 4], [0, 2**63], "F64", "BOOL"),
]
ODD_CELLS = [
    *("", " ", "nan", "inf", "-inf", "1e999", "-1", "1e5", "0x1p3", "1_0", "5,1", "٥", "½"),
    *("=1+1", "<img src=x onerror=alert(1)>", '"', '""', "\x00", "\ufeff", "\u2028", "x" * 5_000),
    *("9" * 400, "True", "None", "5.1cm", "'; DROP TABLE", "\r", "\n", "\t", ";", "sepal_length"),
]


@dataclass
class Tally:
    """What a kind of inputs came to.

    Attributes:
        accepted: Inputs that were valid, and worked.
        refusals: Refusals by the first words of their sentence.
        faults: Inputs that did neither, described.
        slowest_s: The longest time of one input.
        largest_bytes: The longest input.
    """

    accepted: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    largest_bytes: int = 0

    def try_input(self, label: str, data: bytes, use: Callable[[bytes], None]) -> None:
        """Give one input to the code and count what comes of it."""
        self.largest_bytes = max(self.largest_bytes, len(data))
        started = perf_counter()
        try:
            use(data)
        except IrisMlpError as error:
            sentence = str(error)
            self.refusals[shorten(sentence)] += 1
            if not sentence.endswith(".") or len(sentence) > LONGEST_SENTENCE:
                self.faults.append(f"{label}: not a sentence: {sentence[:200]!r}")
        except BaseException as error:  # whatever else comes is what is looked for
            if isinstance(error, KeyboardInterrupt):
                raise
            self.faults.append(f"{label}: {type(error).__name__}: {str(error)[:200]}")
        else:
            self.accepted += 1
        self.slowest_s = max(self.slowest_s, perf_counter() - started)


def shorten(sentence: str) -> str:
    """Return the beginning of a sentence without what it quotes of the input."""
    words = re.sub(r" '.*|\".*", "…", re.sub(r"\d[\d,]*", "n", sentence)).split()
    return " ".join("length" if word in FEATURE_NAMES else word for word in words[:5])


def use_weights(data: bytes) -> None:
    """Read a weights file as an upload is read; what is accepted must work to the end."""
    checkpoint = Checkpoint.from_bytes(data)
    if not np.isfinite(Classifier(checkpoint).predict(CORNERS_CM).probabilities).all():
        raise AssertionError("an accepted model gives answers that are not finite")
    again = Checkpoint.from_bytes(checkpoint.to_bytes())
    if again.settings != checkpoint.settings or again.scaler != checkpoint.scaler:
        raise AssertionError("an accepted file is not the same when it is written again")


def use_csv(data: bytes) -> None:
    """Read a CSV as an upload is read; what is accepted must be lengths."""
    flowers = read_table(data).lengths_cm
    if flowers.shape[1:] != (4,) or not np.isfinite(flowers).all():
        raise AssertionError(f"accepted lengths of shape {flowers.shape} are not finite")


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    """Flip bits, set bytes, cut, repeat, insert or splice, one to four times."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        size = chance.choice((1, 2, 8, 64, chance.randrange(len(data) + 1)))
        piece = data[start : start + size]
        kind = chance.choice(("flip", "set", "cut", "truncate", "repeat", "insert", "move"))
        if kind == "flip" and start < len(data):
            flipped = bytes([data[start] ^ 1 << chance.randrange(8)])
            data = data[:start] + flipped + data[start + 1 :]
        elif kind == "set":
            filler = bytes([chance.choice((0, 0x20, 0x7F, 0x80, 0xFF, chance.randrange(256)))])
            data = data[:start] + filler * len(piece) + data[start + size :]
        elif kind == "cut":
            data = data[:start] + data[start + size :]
        elif kind == "truncate":
            data = data[:start]
        elif kind == "repeat":
            data = data[:start] + piece * chance.choice((2, 3, 100)) + data[start + size :]
        elif kind == "insert":
            data = data[:start] + chance.randbytes(chance.randint(1, 64)) + data[start:]
        else:
            rest = data[:start] + data[start + size :]
            target = chance.randrange(len(rest) + 1)
            data = rest[:target] + piece + rest[target:]
    return data


def edit_json(value: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return a JSON object with some entry, at some depth, replaced, renamed, added or left out."""
    name = chance.choice(list(value)) if value else "x"
    inner = value.get(name)
    if isinstance(inner, dict) and inner and chance.random() < 0.6:
        return value | {name: edit_json(inner, chance)}
    if isinstance(inner, list) and inner and chance.random() < 0.6:
        changed = list(inner)
        changed[chance.randrange(len(changed))] = chance.choice(ODD_VALUES)
        return value | {name: changed}
    kind = chance.choice(("replace", "replace", "drop", "add", "rename"))
    if kind == "replace":
        return value | {name: chance.choice(ODD_VALUES)}
    if kind == "add":
        return value | {str(chance.choice(ODD_VALUES))[:50]: chance.choice(ODD_VALUES)}
    rest = {key: entry for key, entry in value.items() if key != name}
    return rest if kind == "drop" else rest | {name + "x": inner}


def split_file(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return a weights file's header and its tensors' bytes."""
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def join_file(header: Any, body: bytes) -> bytes:
    """Return a weights file of a header and bytes that need not fit each other."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def edit_header(data: bytes, chance: random.Random) -> bytes:
    """Edit the safetensors header: names, shapes, types, offsets."""
    header, body = split_file(data)
    for _ in range(chance.randint(1, 3)):
        header = edit_json(header, chance)
    return join_file(header, body)


def edit_metadata(data: bytes, chance: random.Random) -> bytes:
    """Edit the JSON in our own metadata key."""
    header, body = split_file(data)
    metadata = json.loads(header["__metadata__"]["iris_mlp"])
    for _ in range(chance.randint(1, 3)):
        metadata = edit_json(metadata, chance)
    header["__metadata__"]["iris_mlp"] = json.dumps(metadata)
    return join_file(header, body)


def set_floats(data: bytes, chance: random.Random) -> bytes:
    """Put odd float32 values into the tensors."""
    header, body = split_file(data)
    floats = np.frombuffer(body, "<f4").copy()
    odd = (np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 1e-45, -0.0, 1e30)
    for _ in range(chance.randint(1, 20)):
        floats[chance.randrange(len(floats))] = chance.choice(odd)
    return join_file(header, floats.tobytes())


def splice_files(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Begin as one file and go on as another."""
    other = chance.choice(others)
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


def grow_file(data: bytes, chance: random.Random) -> bytes:
    """Make it large: a long header, deep nesting, many tensors, bytes at the end up to the cap."""
    header, body = split_file(data)
    kind = chance.choice(("pad", "deep", "many", "long", "spaces", "length"))
    if kind == "pad":
        return data + bytes(chance.choice((1, 10_000, MAX_FILE_BYTES, MAX_FILE_BYTES - len(data))))
    if kind == "deep":
        depth = chance.choice((50, 900, 1_100, 100_000))
        text = b'{"__metadata__":' + b'{"a":' * depth + b"}" * depth + b"}"
        return len(text).to_bytes(8, "little") + text + body
    if kind == "many":
        extra = {"dtype": "F32", "shape": [0], "data_offsets": [len(body)] * 2}
        return join_file(
            header | {f"t{i}": extra for i in range(chance.choice((10, 1_000, 5_000)))}, body
        )
    if kind == "long":
        header["__metadata__"]["iris_mlp"] += " " * chance.choice((1_000, 1_000_000))
        return join_file(header, body)
    if kind == "spaces":
        text = json.dumps(header).encode() + b" " * chance.choice((1, 7, 1_000_000))
        return len(text).to_bytes(8, "little") + text + body
    length = chance.choice((0, 1, 2**31, 2**32, 2**63, 2**64 - 1, len(data), 100_000_000))
    return length.to_bytes(8, "little") + data[8:]


def draw_weights(seed: int, count: int) -> Iterator[bytes]:
    """Yield mutated weights files."""
    shipped = SHIPPED_WEIGHTS.read_bytes()
    narrow = Checkpoint.from_bytes(shipped)
    state = {
        "fc1.weight": narrow.state["fc1.weight"][:1].clone(),
        "fc1.bias": narrow.state["fc1.bias"][:1].clone(),
        "fc2.weight": narrow.state["fc2.weight"][:, :1].clone(),
        "fc2.bias": narrow.state["fc2.bias"],
    }
    others = [shipped, Checkpoint(state, narrow.scaler, {}, {}).to_bytes(), b"PK\x03\x04" * 50]
    for number in range(count):
        chance = random.Random(f"{seed} {number}")  # repeatable on purpose
        start = others[0] if chance.random() < 0.8 else others[1]
        kind = chance.randrange(12)
        if kind < 4:
            yield mutate_bytes(start, chance)
        elif kind < 6:
            yield edit_header(start, chance)
        elif kind < 9:
            yield edit_metadata(start, chance)
        elif kind < 10:
            yield set_floats(start, chance)
        elif kind < 11:
            yield splice_files(start, chance, others)
        else:
            yield grow_file(start, chance)


def draw_csvs(seed: int, count: int) -> Iterator[bytes]:
    """Yield CSVs, good and odd."""
    for number in range(count):
        chance = random.Random(f"{seed} csv {number}")  # repeatable on purpose
        names = ["sepal_length", "Sepal Width (cm)", "petal.length", "petal_width_cm", "note"]
        chance.shuffle(names)
        rows = [names[: chance.choice((4, 5, 5))]] if chance.random() < 0.6 else []
        columns = len(rows[0]) if rows else 4
        for _ in range(chance.choice((0, 1, 3, 20))):
            rows.append([f"{chance.uniform(0, 9):.1f}" for _ in range(columns)])
        for _ in range(chance.choice((0, 0, 1, 3))):
            if rows and (row := chance.choice(rows)):
                row[chance.randrange(len(row))] = chance.choice(ODD_CELLS)
            if rows and chance.random() < 0.2:
                chance.choice(rows).append(chance.choice(ODD_CELLS))
        quote = chance.choice(("", "", '"'))
        separator = chance.choice((",", ",", ",", ",", ";", "\t"))
        end = chance.choice(("\n", "\r\n", "\r"))
        text = end.join(separator.join(f"{quote}{cell}{quote}" for cell in row) for row in rows)
        data = text.encode(chance.choice(("utf-8",) * 20 + ("utf-8-sig", "utf-16")), "replace")
        size = chance.random()
        if size < 0.01:
            data = (data + b"\n") * chance.choice((3_000, MAX_BYTES // (len(data) + 1)))
        elif size < 0.02:
            data = chance.choice((b",", b'"', b"\n", b"\x00", b"1,", b"\xff")) * (MAX_BYTES // 4)
        elif size < 0.3:
            data = mutate_bytes(data, chance)
        yield data


def report(title: str, tally: Tally, elapsed_s: float) -> None:
    """Print a tally."""
    refused = tally.refusals.total()
    print(
        f"{title}: {tally.accepted + refused + len(tally.faults):,} inputs in {elapsed_s:.0f} s, "
        f"{tally.accepted:,} accepted, {refused:,} refused, {len(tally.faults)} faults; "
        f"slowest {tally.slowest_s * 1e3:.0f} ms, largest {tally.largest_bytes:,} bytes"
    )
    for words, count in tally.refusals.most_common():
        print(f"  {count:6,}  {words} …")
    for fault in tally.faults[:20]:
        print(f"  FAULT {fault}")


def main() -> None:
    """Try the inputs and print what came of them."""
    parser = argparse.ArgumentParser(description="Mutated weights files and CSVs.")
    parser.add_argument("--weights", type=int, default=20_000)
    parser.add_argument("--csv", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    faults = 0
    use_weights(SHIPPED_WEIGHTS.read_bytes())
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for title, inputs, use in (
        ("weights", draw_weights(options.seed, options.weights), use_weights),
        ("CSVs", draw_csvs(options.seed, options.csv), use_csv),
    ):
        tally, started = Tally(), perf_counter()
        for number, data in enumerate(inputs):
            tally.try_input(f"{title} {number}", data, use)
        report(title, tally, perf_counter() - started)
        faults += len(tally.faults)
    after_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {after_kib / 1024:.0f} MiB, {before_kib / 1024:.0f} MiB before the inputs")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
