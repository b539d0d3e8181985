"""Errors whose text is one sentence that a user understands and can act on."""

from collections.abc import Sequence


class IrisMlpError(Exception):
    """Base of every error that this package raises on purpose; show its text to the user.

    Attributes:
        template: The English sentence with its `{fields}`, by which a translation is found.
        values: What stands in the fields; an error among them is a sentence within the sentence.
    """

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template.format(**values) if values else template)
        self.template = template
        self.values = values


DIVERGED = "Training diverges at the learning rate {lr:g}; try a tenth of it."
"""What a `SettingsError` says where a measurement needs a run that does not diverge."""


class SettingsError(IrisMlpError):
    """A setting is out of range or of the wrong kind; change the setting that the text names."""


class DeviceError(IrisMlpError):
    """The device is not there or cannot run the engine; choose one that the text names."""


class MeasurementsError(IrisMlpError):
    """The lengths of a flower cannot be read; mend the row and column that the text names."""


class WeightsError(IrisMlpError):
    """A weights file is refused; the text says what is wrong with it."""


class OutputError(IrisMlpError):
    """A file cannot be written; choose another path, or make room."""


class ClusterError(IrisMlpError):
    """The workers of a cluster cannot train, or are gone; the text says why and what to do."""


class HubError(IrisMlpError):
    """The Hugging Face Hub cannot be asked, or refuses; the text says why and what to do."""


class SpaceError(HubError):
    """A Space does not come to run; the text says why.

    Attributes:
        log: The last lines of its build or of its run, and what the Hub says itself.
    """

    log: Sequence[str] = ()


class ShareError(IrisMlpError):
    """A shared address cannot be made or read; the text says why."""
