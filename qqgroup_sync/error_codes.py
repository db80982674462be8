"""What each code of the platform means and what to do about it, in English and Chinese.

Pure data and a look-up; knows nothing of HTTP and imports nothing of this package. Sources: the
platform's code tables (API call guide and the page of each endpoint, 2026-08 and 2026-09) and what
users and other SDKs met besides. ``_TABLE`` at the end has one line per row; the texts that it
names stand above it, causes first.
"""

from __future__ import annotations

from typing import NamedTuple

_Text = tuple[str, str]  # English, Chinese


class CodeInfo(NamedTuple):
    """What is known about one code.

    Attributes:
        error: Name of the class in ``errors.py`` to raise.
        cause: Why it happened, as (English, Chinese).
        remedy: What to do about it, as (English, Chinese).
        transient: Nothing was carried out, and the same request may succeed a little later.
        reason: For ``ContentRejected``: url, sensitive, too_long, empty or format.
    """

    error: str
    cause: _Text
    remedy: _Text
    transient: bool = False
    reason: str = ""


TOKEN_CODES = frozenset({11241, 11242, 11243, 11244})
"""The access token is missing, wrong, expired or unknown: refresh it once, repeat once."""

AUDIT_CODES = frozenset({304023, 304024})
"""No failure: the message was accepted (HTTP 201 or 202) and waits for review."""


def lookup(*codes: int) -> CodeInfo | None:
    """Return what is known about the first known code.

    Args:
        codes: In order of trust: ``err_code`` before ``code``, because the platform itself
            judges by ``err_code``, and the two can differ (API call guide, 2026-08).

    Returns:
        None when none of the codes is known.
    """
    for code in codes:
        info = CODES.get(code)
        if info is not None:
            return info
    return None


def _say(en: str, zh: str) -> _Text:
    return en, zh


# -- causes: access ------------------------------------------------------------------------------

_WRONG_APPID = _say("The AppID is wrong or missing.", "AppID 不对，或者没有带上。")
_NO_SUCH_BOT = _say(
    "The AppID is wrong, or the bot was banned or deleted.",
    "AppID 不对，或者机器人被封禁、删除了。",
)
_WRONG_SECRET = _say(
    "appid and client_secret do not belong together.", "appid 和 client_secret 对不上。"
)
_BAD_TOKEN = _say(
    "The access token is missing, wrong or expired, even after a refresh.",
    "access token 缺失、错误或已过期，刷新后仍然不行。",
)
_FIXED_TOKEN = _say(
    "Fixed tokens (Bot appid.token) were switched off in 2026-01.",
    "固定 Token（Bot appid.token）已于 2026-01 停用。",
)
_BANNED = _say("The bot is banned.", "机器人已被封禁。")
_OFFLINE = _say("The bot is offline or delisted.", "机器人已下线。")
_FOREIGN_IP = _say(
    "The public IP address of this machine is not in the bot's IP whitelist.",
    "这台机器的公网 IP 不在机器人的 IP 白名单里。",
)
_NOT_GRANTED = _say("This bot was not granted this endpoint.", "机器人没有这个接口的权限。")
_BLOCKED = _say("This endpoint was blocked for this bot.", "这个接口对该机器人已被封禁。")
_NOT_FOR_BOTS = _say(
    "This endpoint cannot be called with a bot's token.", "这个接口不支持用机器人的 token 调用。"
)
_NO_RIGHT = _say(
    "The bot was added without this right, or is no administrator.",
    "添加机器人时没有授予这项权限，或者机器人不是管理员。",
)
_BAD_HEADERS = _say("The platform could not read the request headers.", "平台无法识别请求头。")
_BAD_REQUEST = _say("A parameter or the request body is not valid.", "请求参数或请求体不对。")
_NO_ACCOUNT = _say(
    "A parameter is wrong, or the platform cannot find the bot's account.",
    "参数有误，或者平台查不到机器人账号。",
)
_UNKNOWN_ID = _say(
    "An id is missing or unknown; nearly always an openid of another bot or scene.",
    "id 缺失或无法识别；绝大多数情况是用了别的机器人或别的场景的 openid。",
)

# -- causes: who may send, and when --------------------------------------------------------------

_NOT_MEMBER = _say("The bot is not a member of this group.", "机器人不在这个群里。")
_GROUP_GONE = _say("The group no longer exists.", "这个群已经不存在了。")
_MUTED = _say("The group or the bot is muted.", "群被禁言，或者机器人被禁言了。")
_NO_FRIEND = _say("The user is not a friend of the bot.", "用户没有加机器人为好友。")
_REFUSED = _say("The user refuses messages of this bot.", "用户拒收这个机器人的消息。")
_NO_GATEWAY = _say(
    "The platform sees no gateway connection of this bot.", "平台认为机器人没有连上网关。"
)
_NOT_SUBSCRIBED = _say(
    "The user has not allowed this subscription.", "用户还没有授权这条订阅消息。"
)
_PROACTIVE_OFF = _say(
    "The group or the user does not accept proactive messages from this bot.",
    "这个群（或用户）没有允许机器人发主动消息。",
)
_PROACTIVE_QUOTA = _say(
    "The quota of proactive messages is used up, or none are allowed at this time of day.",
    "主动消息的额度用完了，或者这个时段不允许发。",
)
_PROACTIVE_RATE = _say(
    "Too many proactive messages: 20 a minute and 1000 a day per group or user, and 30 a minute "
    "in all (60 to groups when verified).",
    "主动消息发得太快：每个群或用户每分钟 20 条、每天 1000 条；"
    "所有群加起来每分钟 30 条（认证后 60 条）。",
)
_NO_WAKEUP = _say(
    "No wake-up message is left for this user, or none is allowed.",
    "对这个用户的互动召回消息已经用完，或者不允许发召回消息。",
)
_TOO_OFTEN = _say("Too many requests in a short time.", "短时间内请求太多，被限频了。")
_SLOWED = _say("The platform's safety system slows this bot down.", "平台安全策略限制了发送频率。")
_EVERYONE = _say("@everyone was used too often.", "@全体成员 的次数用完了。")
_FRAMES_TOO_FAST = _say("Frames of a streamed message came too fast.", "流式消息的分片发得太快。")
_EXPIRED = _say(
    "The message or event is too old to be answered.", "这条消息或事件太久了，已经不能回复。"
)
_ANSWERED_OUT = _say(
    "This message was answered too often, or is too old.",
    "这条消息的回复次数用完了，或者已经过了可回复的时间。",
)
_DUPLICATE = _say(
    "The platform has seen this (msg_id, msg_seq) before.",
    "同样的 msg_id + msg_seq 已经发过，被平台去重了。",
)
_BAD_MSG_ID = _say(
    "The message id is unknown, or belongs to another conversation or bot.",
    "消息 id 不存在，或者属于别的会话、别的机器人。",
)
_BAD_EVENT_ID = _say("The event_id is not valid.", "event_id 无效。")
_MUTE_EVENT = _say("Events of this kind cannot be answered.", "这类事件不支持回复。")
_UNANSWERABLE = _say(
    "This message cannot be answered: it is the bot's own, or not meant for the bot.",
    "这条消息不能回复：是机器人自己发的，或者不是发给机器人的。",
)
_IN_REVIEW = _say("The message was accepted and waits for review.", "消息已经受理，正在等待审核。")

# -- causes: content -----------------------------------------------------------------------------

_HAS_URL = _say(
    "The text holds a link, or something that looks like one.",
    "文字里有网址，或者看起来像网址的内容。",
)
_SAFETY = _say("The platform's content review refused this.", "没有通过平台的内容安全审核。")
_TOO_LONG = _say("The message is too long.", "消息太长了。")
_EMPTY = _say("The message is empty.", "消息是空的。")
_MALFORMED = _say("The message is empty or malformed.", "消息为空或格式不对。")
_MISMATCH = _say(
    "The content does not fit msg_type; beside markdown the content must stay empty.",
    "内容和 msg_type 不匹配；发 markdown 时 content 必须为空。",
)
_BAD_MARKDOWN = _say(
    "The Markdown is empty, malformed, or mixed with a template.",
    "Markdown 内容为空、格式不对，或者和模板混用了。",
)
_BAD_PARAMETERS = _say(
    "A parameter of the Markdown template is not valid.", "Markdown 模板的参数不合要求。"
)
_NO_MARKDOWN = _say(
    "The bot may not use this Markdown template, or no Markdown in this place.",
    "机器人没有这个 Markdown 模板的权限，或者这里不允许发 Markdown。",
)
_NO_TEMPLATE = _say("The template does not exist.", "模板不存在。")
_BAD_KEYBOARD = _say("The keyboard is not valid.", "按钮（keyboard）的格式不对。")
_NO_PERMISSION = _say(
    "The bot may not send this kind of content (ark cards, some buttons, new features).",
    "机器人没有发送这类内容的权限（ark 卡片、部分按钮、新功能等）。",
)
_BAD_COMMAND = _say(
    "A command in the message is not valid or too long.", "消息里的指令无法识别，或者参数太长。"
)
_BAD_TYPING = _say("The typing notice has a wrong input_type.", "输入状态的 input_type 不对。")
_PREFIX_CHANGED = _say(
    "Text of a streamed message that was already delivered was changed.",
    "流式消息里已经发出去的内容被改动了。",
)

# -- causes: media, recall, clicks, panels, the platform -----------------------------------------

_FETCH_FAILED = _say(
    "The platform could not fetch or convert the picture or file.",
    "平台下载或转存这个图片（文件）失败。",
)
_BAD_FILE_INFO = _say(
    "The file_info is not valid, expired, or from the other scene.",
    "file_info 无效、已过期，或者群聊和私聊混用了。",
)
_BAD_UPLOAD = _say("The platform does not support this upload.", "平台不支持这样的上传请求。")
_BAD_FORMAT = _say("The platform does not take this file format.", "平台不支持这种文件格式。")
_TOO_LARGE = _say("The file is larger than the platform takes.", "文件超过了平台的大小限制。")
_VOLUME = _say("The bot has uploaded too much today.", "机器人今天上传的文件总量超限了。")
_LIBRARY_FULL = _say(
    "The bot's image library is full (100 images).", "机器人的图片库满了（最多 100 张）。"
)
_NO_IMAGE = _say("The image library has no such image.", "图片库里没有这张图片。")
_TOO_OLD = _say(
    "The message is older than 2 minutes and can no longer be recalled.",
    "消息发出超过 2 分钟，已经不能撤回。",
)
_NO_RECALL = _say("The bot may not recall this message.", "机器人没有权限撤回这条消息。")
_BAD_CLICK = _say("The click could not be acknowledged.", "这次点击无法回应。")
_FOREIGN_CLICK = _say("This click belongs to another bot.", "这次点击属于另一个机器人。")
_LARGE_CLICK = _say("The acknowledgement is too large.", "互动回应的内容太大。")
_BAD_PANEL = _say("The menu or panel is not valid.", "菜单或面板的内容不合要求。")
_NO_PANEL = _say("There is no panel with this id.", "没有这个 panel_id 的面板。")
_BAD_TARGET = _say("The panel does not allow this scope or target.", "面板不支持这样的范围或对象。")
_TOO_MANY = _say("The menu or panel has too many entries.", "菜单或面板的数量超出限制。")
_PANELS_FULL = _say("The bot has as many panels as it may have.", "机器人的面板数量已达上限。")
_PANEL_BUSY = _say("Another change of this panel is under way.", "这个面板正在被别的操作修改。")
_HICCUP = _say("The platform stumbled over its own services.", "平台内部服务出了点小毛病。")
_UNKNOWN = _say(
    "The platform refused without documenting this code.", "平台拒绝了，但没有公开说明这个错误码。"
)

# -- remedies ------------------------------------------------------------------------------------

_RETRY = _say(
    "Your call is fine; try again in a few seconds.", "你的调用没有问题，过几秒再试一次就好。"
)
_SUPPORT = _say(
    "Try again later; if it stays, give the trace id to the QQ open platform's support.",
    "过一会儿再试；一直这样的话，把 trace_id 发给 QQ 开放平台的技术支持。",
)
_CREDENTIALS = _say(
    "Compare appid and client_secret (AppSecret) with q.qq.com > your bot > development settings. "
    "The AppSecret is shown only once: if it is lost, reset it there and use the new one.",
    "打开 q.qq.com → 你的机器人 →「开发设置」，核对 AppID 和 AppSecret（也就是 client_secret）。"
    "AppSecret 只显示一次，没存下来就在那里重置，换上新的。",
)
_APPID = _say(
    "Compare appid with q.qq.com > your bot > development settings (it is not the bot's QQ "
    "number), and look there whether the bot still exists.",
    "打开 q.qq.com →「开发设置」核对 AppID（不是机器人的 QQ 号），"
    "顺便看看机器人还在不在、有没有被封禁。",
)
_TOKEN = _say(
    "Compare appid and client_secret with the console, and reset the AppSecret if in doubt; with "
    "api_base= or token_url= set, look whether both belong to the same platform.",
    "到控制台核对 appid 和 client_secret，拿不准就重置 AppSecret；"
    "如果设置了 api_base= 或 token_url=，确认两者指向同一个平台。",
)
_DROP_TOKEN = _say(
    "Give Client appid and client_secret; leave token= out.",
    "给 Client 传 appid 和 client_secret，去掉 token=。",
)
_CONSOLE = _say(
    "Open q.qq.com and look at the bot's state and notices: it may have been banned or taken "
    "offline. Appeal or publish it again there.",
    "登录 q.qq.com 看看机器人状态和站内通知：可能被封禁或下线了，需要在那里申诉或重新上线。",
)
_IP_WHITELIST = _say(
    "Open q.qq.com > your bot > development settings > IP whitelist and add this machine's public "
    "IPv4 address (single addresses only; at home it may change when the line reconnects).",
    "打开 q.qq.com → 你的机器人 →「开发设置」→「IP 白名单」，把这台机器的公网 IPv4 加进去"
    "（只能填单个地址；家用宽带重新拨号后地址可能会变，到时要再改）。",
)
_INVITED_ONLY = _say(
    "Only invited bots have it: apply to the platform's operators, or do without; nothing else "
    "depends on it.",
    "这个接口目前只对受邀机器人开放：可以联系平台运营申请；没有它，其他功能照常用。",
)
_MAKE_ADMIN = _say(
    "Ask the group owner to make the bot an administrator of the group.",
    "请群主把机器人设为群管理员。",
)
_HEADERS = _say(
    "A proxy between this machine and QQ may change the request headers; try without it.",
    "可能是中间的代理改了请求头；先不走代理试试。",
)
_ARGUMENTS = _say(
    "Compare the arguments with the method's docstring; the platform's words may name the field.",
    "对照方法的 docstring 检查参数；平台返回的原话里可能写了是哪个字段。",
)
_LINK_DATA = _say(
    "Keep callback_data within 32 characters; else look at the bot's state at q.qq.com.",
    "callback_data 不要超过 32 个字符；没超的话到 q.qq.com 看看机器人状态。",
)
_OPENIDS = _say(
    "Take openids only from events of this same bot: they differ from bot to bot, and a "
    "group_openid is no user_openid.",
    "openid 只能用这个机器人自己收到的事件里的：不同机器人的 openid 不通用，"
    "group_openid 也不能当 user_openid 用。",
)
_INVITE_BOT = _say(
    "Add the bot to the group again, or take the group off your list.",
    "把机器人重新拉进群，或者把这个群从你的列表里删掉。",
)
_UNMUTE = _say(
    "Wait until the mute ends, or ask an administrator of the group to lift it.",
    "等禁言结束，或者请群管理员解除禁言。",
)
_BEFRIEND = _say(
    "Ask the user to add the bot as a friend, or answer in the group instead.",
    "请用户先加机器人为好友，或者改在群里回复。",
)
_USER_SWITCH = _say(
    "Only the user can switch it on again, in the bot's profile.",
    "只有用户自己能在机器人资料页里重新打开。",
)
_CONNECT = _say(
    "Start the client with client.run() or client.start() and wait until it is ready.",
    "先用 client.run() 或 client.start() 连上网关，等就绪后再发。",
)
_SUBSCRIBE = _say(
    "Send a subscribe button first and wait for the user's consent.",
    "先发订阅按钮，等用户同意后再发。",
)
_SWITCH_ON = _say(
    'The group owner must switch "bot may speak proactively" on in the bot\'s profile in the '
    "group (in private: the user); or answer a message with message.reply(...), which needs no "
    "switch.",
    "请群主在群里打开机器人资料页，开启「允许机器人主动发言」（私聊由用户自己开）；"
    "或者改用 message.reply(...) 回复消息，回复不受这个开关限制。",
)
_QUOTA = _say(
    "Wait for the next period, or answer messages with message.reply(...), which does not count.",
    "等额度恢复；或者改用 message.reply(...) 回复消息，回复不占主动消息的额度。",
)
_WAKEUP = _say(
    "One on the day the user last wrote and one each after 1-3, 3-7 and 7-30 days; wait until the "
    "user writes again.",
    "用户最后一次说话的当天、之后 1-3 天、3-7 天、7-30 天各只能发 1 条；等用户再来说话吧。",
)
_SLOW_DOWN = _say(
    "Wait a minute, then send less often; put several short texts into one message.",
    "等一分钟，然后把频率降下来；几条短消息可以合成一条发。",
)
_PAUSE = _say(
    "Pause for some minutes, and avoid many similar messages in a row.",
    "先停几分钟，避免连续发很多相似的消息。",
)
_NO_EVERYONE = _say("Send it without @everyone.", "去掉 @全体成员 再发。")
_FRAME_PACE = _say(
    "Leave at least 0.5 seconds between two frames, and repeat with a new index.",
    "两个分片之间至少隔 0.5 秒，重发时要用新的 index。",
)
_ANSWER_SOONER = _say(
    "Answer within 5 minutes in a group, 60 in private. For slow work reply at once, and let "
    "Client(proactive_fallback=True) send the result as a proactive message.",
    "群里要在 5 分钟内回复，私聊 60 分钟内。任务慢就先回一句，"
    "再用 Client(proactive_fallback=True) 把结果当主动消息发。",
)
_REPLY_LIMIT = _say(
    "5 replies in 5 minutes in a group, 4 in 60 minutes in private: put several texts into one "
    "message, or let Client(proactive_fallback=True) send the rest proactively.",
    "群里 5 分钟内最多回 5 条，私聊 60 分钟内最多 4 条：把几段内容合成一条发，"
    "或者用 Client(proactive_fallback=True) 让多出来的当主动消息发。",
)
_NEXT_SEQ = _say(
    "Use message.reply(...), which numbers the replies; in payloads of your own raise msg_seq "
    "with every reply.",
    "用 message.reply(...) 会自动编号；自己拼请求体的话，每回复一条 msg_seq 要加 1。",
)
_MESSAGE_ID = _say(
    "Pass the id exactly as the event, or the answer to your own send, brought it.",
    "消息 id 要原样使用事件里收到的，或者发送成功时返回的那个。",
)
_EVENT_ID = _say(
    "Use the outermost id of the event; only clicks, the bot joining a group, new friends and "
    "proactive messages switched on can be answered.",
    "event_id 要用事件最外层的 id；能回复的事件只有按钮点击、机器人进群、加好友、打开主动消息。",
)
_RECEIVED_ONLY = _say(
    "Answer only messages that your handler received.", "只回复处理函数收到的消息。"
)
_NOTHING_TO_DO = _say(
    "Nothing to do: MESSAGE_AUDIT_PASS or MESSAGE_AUDIT_REJECT brings the result.",
    "不用处理：结果会通过 MESSAGE_AUDIT_PASS 或 MESSAGE_AUDIT_REJECT 事件通知。",
)
_URLS = _say(
    'Send links as Markdown with Client(urls="markdown"), which needs no application; mask their '
    'dots with Client(urls="dots"); or add the domain in the console > development settings > '
    "message URL whitelist (20 domains, ICP filing needed). main.py looks like a link to QQ too.",
    '用 Client(urls="markdown") 把链接改成 Markdown 发，不用申请；或者用 Client(urls="dots") '
    "把点换成句号；也可以在控制台「开发设置」→「消息 URL 配置」里加白名单"
    "（最多 20 个域名，需备案）。注意 main.py 这样的文件名也会被当成网址。",
)
_REWORD = _say(
    "Reword the text or change the picture; repeated violations can get the bot muted or banned.",
    "改一改文字或换张图再发；多次违规，机器人可能会被禁言甚至封禁。",
)
_SHORTEN = _say(
    "Shorten it or send it in parts; about 4000 characters per message are safe.",
    "缩短内容或分几条发；一条消息控制在 4000 字以内比较稳妥。",
)
_FILL = _say(
    "Put something into it; for buttons alone let the Markdown be one zero-width space (U+200B).",
    "消息里要有内容；只想发按钮的话，Markdown 里放一个零宽空格（U+200B）。",
)
_USE_CHAIN = _say(
    "Let Chain build the message: it sends one message per kind of content.",
    "用 Chain 来构造消息，它会按内容类型自动分成几条。",
)
_MARKDOWN = _say(
    "Write the Markdown into markdown.content without a template, and leave content empty; free "
    "for all bots since 2026-04-23.",
    "不用模板，直接把 Markdown 写进 markdown.content，content 留空；"
    "2026-04-23 起所有机器人都能这样发。",
)
_TEMPLATE = _say(
    "Fill every parameter with plain text: not empty, no line break, no Markdown signs. Easier: "
    "Markdown without a template.",
    "模板的每个参数都要填纯文本：不能为空、不能换行、不能带 Markdown 语法。"
    "更省事的办法是不用模板，直接发 Markdown。",
)
_KEYBOARD = _say(
    "At most 5 rows of 5 buttons, labels of up to 10 characters, and only together with Markdown.",
    "按钮最多 5 行、每行 5 个，文字不超过 10 个字，而且必须和 Markdown 一起发。",
)
_APPLY = _say(
    "Apply for it at q.qq.com, or send text, Markdown or a picture instead.",
    "到 q.qq.com 申请权限，或者改发文字、Markdown 或图片。",
)
_COMMAND = _say(
    "Use command tags in Markdown only, with URL-encoded text of at most 100 characters.",
    "指令标签只能放在 Markdown 里，文字要做 URL 编码，而且不超过 100 个字符。",
)
_TYPING = _say("Only input_type 1 works today.", "目前只支持 input_type 为 1。")
_APPEND = _say(
    "Only append; to change earlier text, finish this stream and start a new one.",
    "只能在末尾追加；想改前面的内容，就先结束这条流式消息，再开一条新的。",
)
_PUBLIC_LINK = _say(
    "Check that the link opens from anywhere without login; or pass a path or the bytes, and they "
    "are uploaded directly.",
    "确认这个链接在公网不登录也能打开；或者直接传文件路径或字节，会自动上传。",
)
_UPLOAD_AGAIN = _say(
    "Upload it again and send it at once: a file_info expires after its ttl, and one made for "
    "groups cannot be sent in private, nor the other way round.",
    "重新上传后马上发：file_info 过了 ttl 就失效，而且群聊和私聊的不能互用。",
)
_FORMATS = _say(
    "Send png or jpg pictures, mp4 videos (H.264 and AAC), silk, wav or mp3 voices; anything else "
    "as a file.",
    "图片用 png 或 jpg，视频用 mp4（H.264 + AAC），语音用 silk、wav 或 mp3；其他格式当普通文件发。",
)
_SIZES = _say(
    "Files may have 200 MB; pictures and voices beyond 20 MB and videos beyond 30 MB arrive as "
    "plain files. Compress it, or send a link.",
    "文件最大 200 MB；图片、语音超过 20 MB，视频超过 30 MB 会变成普通文件。"
    "压缩一下，或者改发链接。",
)
_TOMORROW = _say(
    "Wait until tomorrow or send smaller files; links in Markdown do not count.",
    "明天再发，或者发小一点的文件；Markdown 里的链接不占额度。",
)
_CLEAN_LIBRARY = _say("Delete images that are no longer used.", "删掉不用的图片再上传。")
_UPLOAD_IMAGE = _say(
    "Upload it again; images that nobody used for 90 days are removed.",
    "重新上传；90 天没用过的图片会被清掉。",
)
_RECALL_SOONER = _say(
    "Recall sooner; now only a group administrator can remove it by hand.",
    "要撤回请趁早；现在只能请群管理员手动撤回。",
)
_OWN_MESSAGES = _say(
    "Recall the bot's own messages; for those of members the bot must be a group administrator.",
    "只能撤回机器人自己的消息；要撤回群成员的消息，机器人得是群管理员。",
)
_ACKNOWLEDGE = _say(
    "Acknowledge each click once, within 3 seconds, with a code from 0 to 5.",
    "每次点击只回应一次，要在 3 秒内，code 用 0 到 5。",
)
_SAME_CLIENT = _say(
    "Acknowledge with the client that received the event.", "要用收到这个事件的 client 来回应。"
)
_PANEL = _say(
    "Links begin with https://; menu items are switch, send_message, link or menu, panel items "
    "command or link.",
    "链接要以 https:// 开头；菜单项类型只能是 switch、send_message、link、menu，"
    "面板元素只能是 command、link。",
)
_PANEL_ID = _say("Take the id from list_panels(...).", "用 list_panels(...) 查一下 panel_id。")
_TARGET = _say(
    "Lists of users or groups need scope c2c or group, and a panel made with target_type specific.",
    "只有 scope 为 c2c 或 group、且 target_type 为 specific 的面板才能指定用户或群。",
)
_DELETE_PANEL = _say(
    "A bot has at most 20 panels: remove one with delete_panel(...).",
    "每个机器人最多 20 个面板：先用 delete_panel(...) 删除一个。",
)
_FEWER = _say(
    "Menu: 10 items with 5 sub-items each; 20 panels of 20 items; 20 targets per call.",
    "菜单最多 10 项、每项 5 个子菜单；面板最多 20 个、每个 20 项；每次最多指定 20 个对象。",
)

# -- the table -----------------------------------------------------------------------------------


def _row(
    codes: tuple[int, ...], error: str, cause: _Text, remedy: _Text, *, transient: bool = False
) -> tuple[tuple[int, ...], CodeInfo]:
    return codes, CodeInfo(error, cause, remedy, transient)


def _content(
    codes: tuple[int, ...], reason: str, cause: _Text, remedy: _Text
) -> tuple[tuple[int, ...], CodeInfo]:
    return codes, CodeInfo("ContentRejected", cause, remedy, reason=reason)


_TABLE = (
    # access token; 10004 means "guild unknown" on guild endpoints
    _row((10004, 100007), "AuthError", _NO_SUCH_BOT, _APPID),
    _row((100016,), "AuthError", _WRONG_SECRET, _CREDENTIALS),
    _row((100001, 100017), "RateLimited", _TOO_OFTEN, _SLOW_DOWN, transient=True),
    _row((100002,), "ServerError", _HICCUP, _RETRY, transient=True),
    # authorisation of a request
    _row((11241, 11243, 11244), "AuthError", _BAD_TOKEN, _TOKEN),
    _row((11242, 11252, 11263, 11281), "ServerError", _HICCUP, _RETRY, transient=True),
    _row((11245,), "AuthError", _FIXED_TOKEN, _DROP_TOKEN),
    _row((11251, 11261, 11275), "AuthError", _WRONG_APPID, _CREDENTIALS),
    _row((11265,), "AuthError", _BANNED, _CONSOLE),
    _row((11298, 40023002), "IPNotAllowed", _FOREIGN_IP, _IP_WHITELIST),
    _row((11253,), "Forbidden", _NOT_GRANTED, _INVITED_ONLY),
    _row((11254,), "Forbidden", _BLOCKED, _CONSOLE),
    _row((11262, 11273), "Forbidden", _NOT_FOR_BOTS, _SUPPORT),
    _row((11264, 11274, 11282), "Forbidden", _NO_RIGHT, _MAKE_ADMIN),
    _row((10002, 10044, 11301, 11302, 630006), "ApiError", _BAD_HEADERS, _HEADERS),
    # any request
    _row((10013, 11255, 12001), "NotFound", _UNKNOWN_ID, _OPENIDS),
    _row((12002, 50035, 306001, 40061001), "ApiError", _BAD_REQUEST, _ARGUMENTS),
    _row((10001, 10003), "ApiError", _NO_ACCOUNT, _LINK_DATA),
    _row((11004,), "ServerError", _HICCUP, _RETRY, transient=True),
    _row((11303, 11304, 11305, 11306, 12003), "ServerError", _HICCUP, _SUPPORT),
    # undocumented or of guilds; another SDK repeats the request after them
    _row((101, 130000, 501002, 620007), "ServerError", _HICCUP, _RETRY, transient=True),
    # who may send
    _row((1100301, 40034101, 40054003), "Forbidden", _NOT_MEMBER, _INVITE_BOT),
    _row((1100104,), "NotFound", _GROUP_GONE, _INVITE_BOT),
    _row((850018, 40054002), "Forbidden", _MUTED, _UNMUTE),
    _row((40054004,), "Forbidden", _NO_FRIEND, _BEFRIEND),
    _row((40054016,), "Forbidden", _OFFLINE, _CONSOLE),
    _row((304064,), "Forbidden", _NOT_SUBSCRIBED, _SUBSCRIBE),
    _row((304018,), "ApiError", _NO_GATEWAY, _CONNECT),
    # proactive messages
    _row((304046, 304048, 40034102, 40034105), "ProactiveNotAllowed", _PROACTIVE_OFF, _SWITCH_ON),
    _row((304022, 304045, 304047, 304049, 304050), "ProactiveNotAllowed", _PROACTIVE_QUOTA, _QUOTA),
    _row((40034100,), "RateLimited", _PROACTIVE_RATE, _QUOTA, transient=True),
    _row((40034122, 40034123), "ProactiveNotAllowed", _NO_WAKEUP, _WAKEUP),
    _row((40054013,), "ProactiveNotAllowed", _REFUSED, _USER_SWITCH),
    # replies
    _row((304027, 304103, 40034005, 40034026), "ReplyExpired", _EXPIRED, _ANSWER_SOONER),
    _row((40034128,), "ReplyLimitReached", _ANSWERED_OUT, _REPLY_LIMIT),
    _row((40054005,), "DuplicateMessage", _DUPLICATE, _NEXT_SEQ),
    _row((304026, 40034024), "NotFound", _BAD_MSG_ID, _MESSAGE_ID),
    _row((40034025,), "NotFound", _BAD_EVENT_ID, _EVENT_ID),
    _row((40034027,), "ApiError", _MUTE_EVENT, _EVENT_ID),
    _row((50045, 50046, 50047, 50048, 304028), "ApiError", _UNANSWERABLE, _RECEIVED_ONLY),
    _row((304023, 304024), "ApiError", _IN_REVIEW, _NOTHING_TO_DO),
    # limits
    _row((22009, 304052), "RateLimited", _TOO_OFTEN, _SLOW_DOWN, transient=True),
    _row((20028, 1100308), "RateLimited", _TOO_OFTEN, _SLOW_DOWN),
    _row((1100100,), "RateLimited", _SLOWED, _PAUSE),
    _row((304019, 1100304), "RateLimited", _EVERYONE, _NO_EVERYONE),
    # content
    _content((304003, 40054010), "url", _HAS_URL, _URLS),
    _content((304025, 1100101, 1100103, 3300006, 40034006), "sensitive", _SAFETY, _REWORD),
    _content((304005, 40054007, 40054018), "too_long", _TOO_LONG, _SHORTEN),
    _content((50006,), "empty", _EMPTY, _FILL),
    _content((304061,), "format", _MALFORMED, _USE_CHAIN),
    _content((22006, 50037, 340069), "format", _MISMATCH, _USE_CHAIN),
    _content((50040, 50055, 50057, 40034011, 40034124), "format", _BAD_MARKDOWN, _MARKDOWN),
    _content((50041, 50042, 50054), "format", _BAD_PARAMETERS, _TEMPLATE),
    _content((40034008, 40034009, 40034010), "format", _BAD_PARAMETERS, _TEMPLATE),
    _content((304039, 304040, 304062, 305007, 40034029), "format", _BAD_KEYBOARD, _KEYBOARD),
    _content((40034106, 40034109), "format", _BAD_COMMAND, _COMMAND),
    _content((40034108,), "too_long", _BAD_COMMAND, _COMMAND),
    _row((304011, 304012), "NotFound", _NO_TEMPLATE, _MARKDOWN),
    _row((304038,), "NotFound", _NO_TEMPLATE, _KEYBOARD),
    _row((50056, 304014, 304036, 304041, 40034127), "Forbidden", _NO_MARKDOWN, _MARKDOWN),
    _row((304004, 304037, 304057, 1100102), "Forbidden", _NO_PERMISSION, _APPLY),
    _row((50059,), "ApiError", _BAD_TYPING, _TYPING),
    # streamed messages; 40054014 is known from another SDK only
    _content((40007, 40113003), "format", _PREFIX_CHANGED, _APPEND),
    _content((40054014,), "too_long", _TOO_LONG, _SHORTEN),
    _row((50001,), "ServerError", _HICCUP, _RETRY, transient=True),
    _row((50002,), "RateLimited", _FRAMES_TOO_FAST, _FRAME_PACE),
    # the platform's own trouble while sending
    _row((304007, 304008, 304009, 304029), "ServerError", _HICCUP, _RETRY, transient=True),
    _row((40054006, 50055001, 50055002, 50055006), "ServerError", _HICCUP, _RETRY, transient=True),
    _row((304006, 304016, 304044, 304051, 340067), "ServerError", _HICCUP, _SUPPORT),
    _row((1100300, 1100499), "ServerError", _HICCUP, _SUPPORT),
    _row((40054015,), "ApiError", _UNKNOWN, _SUPPORT),
    # media; 304082 and 304083 are of 2024
    _row((304010, 304017, 304021), "MediaRejected", _FETCH_FAILED, _PUBLIC_LINK, transient=True),
    _row((304082, 304083), "MediaRejected", _FETCH_FAILED, _PUBLIC_LINK, transient=True),
    _row((40034004,), "MediaRejected", _FETCH_FAILED, _RETRY, transient=True),
    _row((850026,), "MediaRejected", _FETCH_FAILED, _PUBLIC_LINK),
    _row((304080,), "MediaRejected", _BAD_FILE_INFO, _UPLOAD_AGAIN),
    _row((10000, 850012), "MediaRejected", _BAD_UPLOAD, _ARGUMENTS),
    _row((850019,), "MediaRejected", _BAD_FORMAT, _FORMATS),
    _row((304020, 850031), "MediaRejected", _TOO_LARGE, _SIZES),
    _row((850027, 40093001), "ServerError", _HICCUP, _RETRY, transient=True),
    _row((40093002,), "MediaRejected", _VOLUME, _TOMORROW),
    _row((40035007,), "MediaRejected", _LIBRARY_FULL, _CLEAN_LIBRARY),
    _row((40035008,), "NotFound", _NO_IMAGE, _UPLOAD_IMAGE),
    # recall
    _row((306002, 306007, 40061002), "NotFound", _BAD_MSG_ID, _MESSAGE_ID),
    _row((306009,), "NotFound", _UNKNOWN_ID, _OPENIDS),
    _row((306004, 306008, 40062003), "Forbidden", _NO_RECALL, _OWN_MESSAGES),
    _row((306011, 40064004), "ApiError", _TOO_OLD, _RECALL_SOONER),
    _row((306003, 306005, 306006, 50065001), "ServerError", _HICCUP, _RETRY, transient=True),
    _row((306010,), "ServerError", _HICCUP, _SUPPORT),
    # clicks
    _row((630001, 630008), "ApiError", _BAD_CLICK, _ACKNOWLEDGE),
    _row((630003,), "NotFound", _FOREIGN_CLICK, _SAME_CLIENT),
    _content((630007,), "too_long", _LARGE_CLICK, _ACKNOWLEDGE),
    _row((630004, 630005), "ServerError", _HICCUP, _RETRY, transient=True),
    _row((630002,), "ServerError", _HICCUP, _SUPPORT),
    # menu and panels
    _row((40030001, 40030008, 40030014, 40030015), "ApiError", _BAD_PANEL, _PANEL),
    _row((40030016, 40030017), "ApiError", _BAD_PANEL, _PANEL),
    _row((40030006,), "NotFound", _NO_PANEL, _PANEL_ID),
    _row((40030009,), "ServerError", _PANEL_BUSY, _RETRY, transient=True),
    _row((40030011, 40030012, 40030018), "ApiError", _BAD_TARGET, _TARGET),
    _row((40030013,), "ApiError", _TOO_MANY, _FEWER),
    _row((40030021,), "ApiError", _PANELS_FULL, _DELETE_PANEL),
    _content((40030020,), "sensitive", _SAFETY, _REWORD),
)

CODES: dict[int, CodeInfo] = {code: info for codes, info in _TABLE for code in codes}
"""Every known code; :func:`lookup` asks it."""
