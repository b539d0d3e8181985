import { copyText } from "./copy_text.js";

/**
 * What a browser tells about the computer it runs on. `null` is unknown. Nothing of it is sent.
 *
 * @typedef {object} Computer
 * @property {string | null} gpu The GPU's name as WebGL gives it.
 * @property {string | null} webgpu Maker and architecture as WebGPU gives them.
 * @property {boolean} hasWebgpu
 * @property {string | null} limits
 * @property {string | null} features
 * @property {boolean} isSoftware Whether a program on the CPU stands in for a GPU.
 * @property {number | null} threads
 * @property {number | null} memoryGb A class, and at most 8 in many browsers.
 * @property {string | null} browser
 * @property {string | null} system
 */

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|swrast|software|microsoft basic render|\bwarp\b/i;
const BROWSERS = [["Edge", /Edg\/([\d.]+)/], ["Opera", /OPR\/([\d.]+)/], ["Firefox", /Firefox\/([\d.]+)/],
  ["Chrome", /Chrome\/([\d.]+)/], ["Safari", /Version\/([\d.]+).*Safari/]];
const SYSTEMS = [["Android", /Android ?([\d.]*)/], ["iOS", /(?:iPhone|iPad).*OS ([\d_]+)/], ["Windows", /Windows NT ?([\d.]*)/],
  ["macOS", /Mac OS X/], ["ChromeOS", /CrOS/], ["Linux", /Linux/]];

// What has to do with pictures alone says nothing about computing.
const PICTURES = /^(?:texture|chromium|depth|rg11|bgra|clip|core|dual|indirect)/;

/** @returns {Promise<Computer>} */
export async function readComputer() {
  const gpu = readWebgl();
  const adapter = await readWebgpu();
  return {
    gpu,
    ...adapter,
    isSoftware: adapter.isFallback || SOFTWARE.test(`${gpu ?? ""} ${adapter.webgpu ?? ""}`),
    threads: navigator.hardwareConcurrency || null,
    memoryGb: navigator.deviceMemory || null,
    browser: readBrowser(),
    system: await readSystem(),
  };
}

function readWebgl() {
  try {
    const gl = document.createElement("canvas").getContext("webgl");
    if (!gl) return null;
    const extension = gl.getExtension("WEBGL_debug_renderer_info");
    const name = gl.getParameter(extension ? extension.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
    gl.getExtension("WEBGL_lose_context")?.loseContext();
    return name || null;
  } catch {
    return null;
  }
}

async function readWebgpu() {
  const nothing = { webgpu: null, limits: null, features: null, isFallback: false, hasWebgpu: false };
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) return nothing;
    const { vendor, architecture, description, device, isFallbackAdapter } = adapter.info;
    const { maxBufferSize, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = adapter.limits;
    return {
      webgpu: [vendor, architecture, device, description].filter(Boolean).join(" · ") || null,
      limits: `maxBufferSize ${(maxBufferSize / 2 ** 30).toFixed(1)} GiB · maxComputeInvocationsPerWorkgroup `
        + `${maxComputeInvocationsPerWorkgroup} · maxComputeWorkgroupStorageSize ${maxComputeWorkgroupStorageSize / 1024} KiB`,
      features: [...adapter.features].filter((name) => !PICTURES.test(name)).sort().join(", ") || null,
      isFallback: Boolean(isFallbackAdapter ?? adapter.isFallbackAdapter),
      hasWebgpu: true,
    };
  } catch {
    return nothing;
  }
}

/** Give a GPU's name without what ANGLE writes around it. */
export function shorten(name) {
  const bare = name.replace(/^ANGLE \((?:[^,()]+, )?|ANGLE Metal Renderer: |Vulkan [\d.]+ \(| ?\(0x[0-9a-f]+\)/gi, "");
  return bare.replace(/ Direct3D.*$|\)?, .*$|\)+$/, "").trim() || name;
}

function match(table) {
  for (const [name, pattern] of table) {
    const found = navigator.userAgent.match(pattern);
    if (found) return [name, (found[1] || "").replaceAll("_", ".")];
  }
  return null;
}

function readBrowser() {
  const found = match(BROWSERS);
  return found && `${found[0]} ${found[1].split(".")[0]}`;
}

async function readSystem() {
  try {
    // A browser writes old versions into its usual line on purpose; these are the true ones.
    const hints = await navigator.userAgentData.getHighEntropyValues(["platformVersion", "architecture", "bitness"]);
    const machine = hints.architecture ? ` · ${hints.architecture}-${hints.bitness}` : "";
    // Windows 11 calls itself 13 and more here: https://learn.microsoft.com/microsoft-edge/web-platform/how-to-detect-win11
    if (hints.platform === "Windows") return `Windows ${parseInt(hints.platformVersion) >= 13 ? 11 : 10}${machine}`;
    return `${hints.platform} ${hints.platformVersion}`.trim() + machine;
  } catch {
    const found = match(SYSTEMS);
    return found && (found[0] === "Windows" ? "Windows" : found.join(" ").trim());
  }
}

/**
 * Fill the frame of "Your computer" in the visitor's browser; send the GPU's name only when asked.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, trigger, watch }) {
  const computer = readComputer();

  async function fill() {
    const card = element.querySelector(".hw-yours");
    if (!card) return;
    const read = await computer;
    const words = card.dataset;
    const say = (fact, text) => {
      const node = card.querySelector(`[data-fact="${fact}"]`);
      node.textContent = text ?? words.unknown;
      node.classList.toggle("unknown", text === null);
    };
    for (const fact of ["gpu", "limits", "features", "browser", "system"]) say(fact, read[fact]);
    say("title", read.gpu ? shorten(read.gpu) : read.webgpu);
    say("webgpu", read.hasWebgpu ? read.webgpu : words.none);
    say("threads", read.threads && `${read.threads} ${words.threads}`);
    say("memory", read.memoryGb && words.memory.replace("{gb}", read.memoryGb));
    const software = card.querySelector(".hw-software");
    software.hidden = !read.isSoftware;
    software.textContent = words.software;
    card.querySelector(".hw-read").hidden = !(read.gpu ?? read.webgpu);
    const system = /windows/i.test(read.system) ? "Windows" : /mac/i.test(read.system) ? "macOS" : "Linux";
    card.querySelector(`details[data-system="${system}"]`).open = true;
  }

  element.addEventListener("click", async ({ target }) => {
    if (target.matches(".hw-read")) {
      const read = await computer;
      trigger("read", { name: read.gpu ?? read.webgpu });
    }
    if (target.matches("[data-copy]") && (await copyText(target.previousElementSibling.textContent)))
      target.classList.add("done");
  });
  watch("value", fill);
  fill();
}
