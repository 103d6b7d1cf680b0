// Colors, and points drawn in them: by WebGL 2, or on a plain canvas where there is none or no graphics card.

export const CATEGORIES = {
  light: ["#1f6fc2", "#c4560f", "#1b7f55", "#a348c1", "#c93a52", "#7d6e00", "#0f7f8c", "#8a4a2b", "#5b57c9", "#4e7a1f", "#b0397f", "#6a7480"],
  dark: ["#68aef7", "#ff9d5c", "#4fcf98", "#d793ee", "#ff8095", "#d6c24a", "#54cbd8", "#d19a7c", "#a19dff", "#9fcf66", "#f48bc6", "#a5afb9"],
};
export const RAMPS = { // rare to frequent; each end stands out from its ground
  light: [[176, 190, 206], [74, 130, 190], [12, 44, 110]],
  dark: [[62, 74, 96], [84, 150, 216], [230, 244, 255]],
};
const MISSING = { light: [200, 204, 208], dark: [70, 76, 84] };

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
export const css = (color) => `rgb(${color.join(",")})`;

function onRamp(ramp, share) {
  const at = Math.min(Math.max(share, 0), 1) * (ramp.length - 1);
  const low = Math.min(Math.floor(at), ramp.length - 2);
  return ramp[low].map((value, k) => Math.round(value + (at - low) * (ramp[low + 1][k] - value)));
}

export function range(values) {
  const known = values.filter(Number.isFinite).sort();
  if (!known.length) return [0, 1];
  const [low, high] = [known[Math.floor(0.01 * known.length)], known[Math.floor(0.999 * (known.length - 1))]];
  return low < high ? [low, high] : [low - 0.5, low + 0.5];
}

export function colorsOf(values, labels, theme) {
  const bytes = new Uint8Array(4 * values.length);
  const palette = CATEGORIES[theme].map(rgb);
  const [low, high] = labels ? [0, 1] : range(values);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const color = !Number.isFinite(value) ? MISSING[theme] : labels ? palette[value % palette.length] : onRamp(RAMPS[theme], (value - low) / (high - low));
    bytes.set(color, 4 * i);
    bytes[4 * i + 3] = 255;
  }
  return bytes;
}

const VERTEX = `#version 300 es
in vec2 place; in vec2 before; in vec4 color; uniform vec2 scale; uniform vec2 shift; uniform float size; uniform float moved; out vec4 shade;
void main() { gl_Position = vec4(mix(before, place, moved) * scale + shift, 0.0, 1.0); gl_PointSize = size; shade = color; }`;
const FRAGMENT = `#version 300 es
precision mediump float; in vec4 shade; uniform float alpha; out vec4 result;
void main() { vec2 d = gl_PointCoord - 0.5; if (dot(d, d) > 0.25) discard; result = vec4(shade.rgb * alpha, alpha); }`;

// Whether WebGL 2 is there and not emulated; failIfMajorPerformanceCaveat, meant for that, lets SwiftShader pass.
export function hasGraphicsCard() {
  if (!hasGraphicsCard.known) {
    const gl = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
    const named = gl?.getExtension("WEBGL_debug_renderer_info");
    const renderer = gl ? String(gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER)) : "none";
    hasGraphicsCard.known = { answer: Boolean(gl) && !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer), renderer };
    gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return hasGraphicsCard.known.answer;
}

export class GlPoints {
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: false });
    if (!gl) throw new Error("no WebGL 2");
    this.gl = gl;
    this.canvas = canvas;
    this.program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    if (!gl.getProgramParameter(this.program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(this.program));
    gl.useProgram(this.program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.buffers = {};
    this.uniforms = Object.fromEntries(["scale", "shift", "size", "moved", "alpha"].map((name) => [name, gl.getUniformLocation(this.program, name)]));
  }
  set(name, data, parts, type, normalized) {
    const gl = this.gl;
    const buffer = (this.buffers[name] ??= gl.createBuffer());
    const at = gl.getAttribLocation(this.program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, parts, type, normalized, 0, 0);
  }
  places(before, after) {
    this.count = after.length / 2;
    this.set("before", before, 2, this.gl.FLOAT, false);
    this.set("place", after, 2, this.gl.FLOAT, false);
  }
  colors(bytes) { this.set("color", bytes, 4, this.gl.UNSIGNED_BYTE, true); }
  draw(view, size, alpha, moved) {
    const gl = this.gl, { width, height } = this.canvas, ratio = window.devicePixelRatio || 1;
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const sx = 2 * view.scale * ratio / width, sy = 2 * view.scale * ratio / height;
    gl.uniform2f(this.uniforms.scale, sx, sy);
    gl.uniform2f(this.uniforms.shift, -view.x * sx, -view.y * sy);
    gl.uniform1f(this.uniforms.size, size * ratio);
    gl.uniform1f(this.uniforms.moved, moved);
    gl.uniform1f(this.uniforms.alpha, alpha);
    gl.drawArrays(gl.POINTS, 0, this.count);
  }
}

// Writes pixels itself: without a graphics card that is several times as fast as WebGL, which then is emulated.
export class PlainPoints {
  constructor(canvas) { this.canvas = canvas; this.context = canvas.getContext("2d", { willReadFrequently: true }); }
  places(before, after) { this.after = after; }
  colors(bytes) { this.bytes = bytes; this.mixed = null; }
  // Colors with their alpha, as the machine's own 32-bit numbers.
  mix(alpha) {
    if (this.mixed && this.alpha === alpha) return this.mixed;
    const bytes = this.bytes.slice();
    for (let i = 3; i < bytes.length; i += 4) bytes[i] = Math.round(255 * alpha);
    this.alpha = alpha;
    return (this.mixed = new Uint32Array(bytes.buffer));
  }
  draw(view, size, alpha) {
    const { context, canvas: { width, height }, after } = this, ratio = window.devicePixelRatio || 1;
    if (this.image?.width !== width || this.image?.height !== height) {
      this.image = context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const { pixels } = this, colors = this.mix(alpha), side = Math.max(1, Math.round(size * ratio * 0.9)), cut = side > 3 ? 1 : 0;
    const scale = view.scale * ratio, right = width / 2 - view.x * scale - side / 2, down = height / 2 + view.y * scale - side / 2;
    pixels.fill(0);
    for (let i = colors.length - 1; i >= 0; i--) { // the most frequent words last, on top
      const x = (after[2 * i] * scale + right) | 0, y = (down - after[2 * i + 1] * scale) | 0, color = colors[i];
      if (x <= 0 || y <= 0 || x >= width - side || y >= height - side) continue;
      for (let row = 0; row < side; row++) {
        const inset = row === 0 || row === side - 1 ? cut : 0, start = (y + row) * width + x;
        for (let at = start + inset; at < start + side - inset; at++) pixels[at] = color;
      }
    }
    context.putImageData(this.image, 0, 0);
  }
}
