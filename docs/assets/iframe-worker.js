// Search where a page is opened from disk: browsers start no worker there, so a hidden frame is one.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      this.frame = frame.contentWindow
      this.ready = new Promise(resolve => frame.addEventListener("load", resolve))
      window.addEventListener("message", ({ source, data }) => {
        if (source === this.frame) this.dispatchEvent(new MessageEvent("message", { data }))
      })
      const inside = frame.contentDocument
      inside.open()
      inside.write(
        `<script>
          var postMessage = data => parent.postMessage(data, "*")
          var importScripts = (...urls) => urls.reduce((before, url) => before.then(() => new Promise((resolve, reject) =>
            document.body.append(Object.assign(document.createElement("script"), { src: url, onload: resolve, onerror: reject }))
          )), Promise.resolve())
        <\/script><script src="${url}"><\/script>`
      )
      inside.close()
    }

    postMessage(data) {
      this.ready.then(() => this.frame.dispatchEvent(new MessageEvent("message", { data })))
    }
  }
}
