// What the page says, in both languages. {0}, {1} are filled in.

const zh = {
  title: "模拟的 QQ", menu: "打开菜单", groups: "群聊", privates: "私聊", members: "群成员",
  messages: "消息", addGroup: "新建群", addUser: "新建私聊", addMember: "添加群成员",
  name: "名称", role: "身份", member: "成员", admin: "管理员", owner: "群主",
  add: "添加", cancel: "取消", writeAs: "发言人", atBot: "@机器人", send: "发送",
  text: "输入消息，Enter 发送，Shift+Enter 换行", down: "↓ 新消息", bot: "机器人",
  unheard: "没有 @，机器人收不到", hintUnheard: "不 @ 机器人，它就收不到这条消息",
  proactive: "主动消息", recalled: "此消息已被撤回", empty: "还没有消息。说点什么吧！",
  lost: "与模拟器的连接已断开，正在重试…",
  noBot: "还没有机器人连上。", botAway: "{0} 不在线。",
  howTo: "如果一直这样，请看运行脚本的终端里有没有报错，脚本最后要调用 client.run()。连接另一个脚本：",
  refused: "被拒绝：{0} {1}", media1: "图片", media2: "视频", media3: "语音", media4: "文件",
  card: "卡片", online: "在线", offline: "离线",
  acked: "机器人确认了按钮“{0}”（code {1}）", unacked: "机器人 3 秒内没有确认按钮“{0}”",
  error: "没有成功：{0}", muted: "此成员被禁言，不能发言。", unreachable: "连不上模拟器。",
  attach: "图片、语音、视频或文件，也可以拖放或粘贴", remove: "移除", close: "关闭", typing: "{0} 正在输入…",
  lostPicture: "图片未能获取", too_large: "文件太大，最多 32 MB。", empty_file: "文件是空的。", too_many_files: "一条消息最多 9 个文件。",
  bad_name: "名称应为 1 到 40 个可见字符。", too_long: "消息太长，最多 20000 个字符。",
};

const en = {
  title: "Simulated QQ", menu: "Open menu", groups: "Groups", privates: "Private", members: "Members",
  messages: "Messages", addGroup: "New group", addUser: "New private chat", addMember: "Add a member",
  name: "Name", role: "Role", member: "member", admin: "admin", owner: "owner",
  add: "Add", cancel: "Cancel", writeAs: "as", atBot: "@bot", send: "Send",
  text: "Message: Enter sends, Shift+Enter for a new line", down: "↓ new messages", bot: "bot",
  unheard: "no @: the bot does not get this", hintUnheard: "Without @ the bot does not get the message",
  proactive: "proactive", recalled: "This message was recalled", empty: "No messages yet. Say something!",
  lost: "The connection to the simulator is lost; trying again…",
  noBot: "No bot is connected yet.", botAway: "{0} is off line.",
  howTo: "If it stays so, look for errors in the terminal of your script; it must end with client.run(). To connect another script:",
  refused: "refused: {0} {1}", media1: "image", media2: "video", media3: "voice", media4: "file",
  card: "card", online: "on line", offline: "off line",
  acked: "the bot acknowledged the button “{0}” (code {1})", unacked: "the bot did not acknowledge the button “{0}” within 3 s",
  error: "That did not work: {0}", muted: "This member is muted.", unreachable: "The simulator cannot be reached.",
  attach: "Picture, voice, video or file; dropping and pasting work, too", remove: "Remove", close: "Close", typing: "{0} is typing…",
  lostPicture: "the picture could not be fetched", too_large: "The file is too large; 32 MB are allowed.", empty_file: "The file is empty.", too_many_files: "A message has at most 9 files.",
  bad_name: "A name has 1 to 40 printable characters.", too_long: "The text is too long; 20000 characters are allowed.",
};

let texts = en;

export function language() {
  return texts === zh ? "zh" : "en";
}

export function choose(name) {
  texts = name === "zh" ? zh : en;
}

export function has(key) {
  return Object.hasOwn(texts, key);
}

export function say(key, ...values) {
  return texts[key].replace(/\{(\d)\}/g, (_, index) => values[index]);
}
