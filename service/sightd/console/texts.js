/** Every text of the page, in the languages that it speaks. */
export const TEXTS = {
  en: {
    other: "中文", settings: "Settings", key: "API key", system: "Instructions for every answer",
    longest: "Longest answer, in tokens", fresh: "New conversation", hint: "Drop a picture here, paste one, or choose one. Then ask.",
    question: "What would you like to know?", choose: "Add pictures", send: "Ask", stop: "Stop", remove: "Remove this picture",
    ready: "is ready", loading: "is being loaded", away: "The server does not answer. Is it running?",
    needsKey: "This server wants a key: open Settings and write it there.", again: "Try again in {n} s.",
    stopped: "(stopped)", cut: "(cut off at the longest answer)", took: "{s} s, {n} tokens",
  },
  zh: {
    other: "English", settings: "设置", key: "API 密钥", system: "对每次回答的要求",
    longest: "回答的最大长度（token）", fresh: "新对话", hint: "把图片拖到这里、粘贴，或选择一张，然后提问。",
    question: "想知道什么？", choose: "添加图片", send: "提问", stop: "停止", remove: "移除这张图片",
    ready: "已就绪", loading: "正在加载", away: "服务器没有响应，它在运行吗？",
    needsKey: "此服务器需要密钥：请打开“设置”填写。", again: "请在 {n} 秒后重试。",
    stopped: "（已停止）", cut: "（达到最大长度，已截断）", took: "{s} 秒，{n} 个 token",
  },
};
