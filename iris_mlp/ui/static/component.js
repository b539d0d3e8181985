/**
 * What Gradio gives to the script of a `gr.HTML`: https://www.gradio.app/docs/gradio/html
 *
 * @typedef {object} Component
 * @property {HTMLElement} element Its node in the page.
 * @property {Object<string, any>} props Its value and properties; to set one sends it to the server.
 * @property {(event: string, data?: object) => void} trigger Sends an event to the server.
 * @property {(names: string | string[], callback: () => void) => void} watch Calls back when a
 *   property has changed.
 */
export {};
