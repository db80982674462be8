"""The switches of the simulated platform: what is uncertain or varies, with its default.

Section numbers in this package are those of the protocol fact sheet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY = 86_400.0
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rules:
    """How the platform behaves; change them while running with ``platform.change_rules``.

    Attributes:
        group_window: Seconds in which a group message may be answered (2.5).
        group_replies: Answers per group message (2.5).
        c2c_window: Seconds in which a user's message may be answered; one page says 300 (2.5).
        c2c_replies: Answers per user's message, 5 before 2026-01-10 (2.5).
        group_event_window: Seconds in which a group event may be answered by ``event_id``.
        c2c_event_window: The same in C2C; not documented.
        event_dedupe: Whether a repeated explicit ``msg_seq`` with one ``event_id`` is refused.
        typing_counts: Whether a typing notice uses up one answer (2.5, field report).
        recall_window: Seconds in which a bot may recall its own message (2.7).
        interaction_window: Seconds until a click that was not acknowledged times out (2.8).
        reply_expired: The code for a ``msg_id`` whose window has passed: also 304103 or 304027.
        member_add_answerable: Whether GROUP_MEMBER_ADD may be answered by its outer id, as in
            practice; the docs do not list it (2.4).
        second_ack: What happens to a second acknowledgement: 630005 or nothing (section 9.8).

        rate_limits: Whether calls are limited per endpoint (2.3): 429 with Retry-After. Off,
            because nothing could be loaded then.
        quotas: Whether proactive messages are counted at all (sandboxes do not, 2.5).
        group_push: Whether bots may speak unasked in a new group (2.5).
        c2c_push: Whether bots may speak unasked to a new friend.
        push_refused: The code for an unasked message where it is switched off; 40034102 before
            May 2026 (2.5).
        group_wakeup: Whether ``is_wakeup`` works in groups: dropped from the docs in September.
        swallow_offline: Whether what a bot sends while none of its gateway sessions is live is
            accepted but never shown, as seen live after a 4009 (3.7).

        max_text: Characters of a text (2.6; no official number).
        max_markdown: Characters of a markdown message.
        long_text: What happens to a text beyond ``max_text``: 40054007, or it is cut silently.
        empty_text: The code for a text without anything in it: 304061 or 50006.
        media_needs_text: Whether ``msg_type`` 7 needs a ``content``, if only a blank, as in 2025.
        banned_words: Texts and markdown with one of them are refused: 40034006.
        unescape_sent: Whether ``&amp;``, ``&lt;`` and ``&gt;`` of bots are decoded (5.9).
        text_mentions: Whether mentions work in the plain text of bots, as the docs have it; in
            practice only in markdown, where they always do (5.9).
        button_styles: Styles of buttons that are taken, 305007 otherwise (5.4: pages differ).
        url_check: Whether plain text that looks like a URL is refused (2.6).
        url_check_c2c: Whether that holds in C2C too; the table says groups, practice says both.
        url_whitelist: Domains allowed in plain text; sub-domains are included.
        refuse_nulls: Whether ``"msg_id": null`` and the like are refused (2.2).
        unknown_reference: What happens to a quote of an unknown REFIDX (5.8: not settled).

        upload_ways: Which of the three ways of uploading are open: ``url``, ``file_data`` and
            ``chunked`` (2.10).
        refused_way: What a closed way answers, for all or by way: an error code (HTTP 400), or
            an HTTP status below 1000: 413 is the edge's HTML page, others a plain error body.
        max_body: Bytes of a request to the API; beyond, the edge answers 413 with HTML (2.2).
        file_ttl: Seconds a ``file_info`` may be sent; 0 for without end (2.10).
        soft_limits: Bytes per ``file_type`` beyond which an upload becomes a file.
        hard_limit: Bytes beyond which any upload is refused: 850031.
        image_formats: What ``file_type`` 1 may be (section 7).
        video_formats: What ``file_type`` 2 may be.
        voice_formats: What ``file_type`` 3 may be; the API pages say silk only.
        upload_quota: Bytes a bot may upload in 24 hours before 40093002; None for no limit.
        fetch_timeout: Real seconds for one fetch of a ``url``.
        upload_block: Bytes of a part, the ``block_size`` of ``upload_prepare``.
        upload_index_base: Number of the first part; the docs say 0, the runtime 1.
        file_size_type: Which type of ``file_size`` is taken, the other gets 850012.
        block_size_type: As what ``block_size`` is answered.
        upload_config: Whether concurrency and retries are told nested or at the top level.
        upload_concurrency: How many parts may be on their way at once, told to clients.
        enforce_upload_concurrency: Whether more than that are refused: 503 ``SlowDown``.
        upload_retry_timeout: Seconds, told to clients.
        upload_retry_delay: Seconds, told to clients.
        upload_life: Seconds an ``upload_id`` and its presigned URLs are good for.
        parts_not_ready: How many calls of ``upload_part_finish`` get 40093001 first, per upload.
        incomplete_upload: The code for finishing an upload whose parts are not all confirmed.
        finish_needs_type: Whether finishing an upload without ``file_type`` gets 850012.
        instant_upload: Whether ``upload_prepare`` of known content answers with ``file_info``
            at once; hinted at by the docs, never seen.

        image_library: Whether bots have an image library; known from one SDK only (2.9).
        fetch_pictures: Whether the platform fetches the pictures in markdown (5.3).
        picture_timeout: Real seconds for one of them.
        max_pictures: How many of them it fetches; the others count as failed.
        picture_refused: The code for a failed picture with ``force_verify_image_resource``.
        attachment_life: Seconds the address of what a person sent is good for (4.3).

        max_stream: Characters of a streamed message (2.11; no official number).
        stream_gaps: Whether indexes may be left out, as clients do that retry a frame under a
            new index after a 429; if not, only those that were throttled count.
        stream_interval: Seconds between its frames before 50002.
        stream_timeout: Seconds without a frame after which it falls back to its first one.

        ip_whitelist: Source addresses that may call the API and open the gateway; None for all.
        token_burst: Token requests per minute and appid before 100017; None for no limit.
        token_burst_code: The code for too many token requests; the page says 100001.
        fixed_tokens: Whether ``Bot appid.token`` is taken, as before 2026-01; 11245 otherwise.
        error_shape: What error bodies hold: both codes, as live; ``err_code`` only, as in the
            page's sample; or ``code`` and ``message`` only, as in the old docs (2.2).
        empty_answers: How "done, nothing to say" looks: ``{}``, no body, or 204 (2.2).
        old_answers: Whether sends answer with an integer time stamp and without ``ext_info``, as
            before 2026 (2.4).
        codes: ``err_code`` to a different ``code`` in error bodies; 40023002 differs live (2.2).
        statuses: ``err_code`` to a different HTTP status (section 10.26).

        strip_at: Whether the @ of the bot is removed from ``content`` (4.3).
        trailing_space: Whether a removed @ leaves a space behind the content as well (4.3).
        escape_events: Whether ``&``, ``<`` and ``>`` of people arrive as ``&amp;`` and so on (4.3).
        mention_self: Whether the bot's own mention is listed in ``mentions`` of @ events.
        minimal_events: Message events with required fields only (4.2, historic form).
        int_timestamps: Message events with integer timestamps (4.1).
        attachment_urls: Whether attachment URLs keep their scheme (4.3).
        member_user_openid: What member events say in ``user_openid`` (4.6).
        both_events: Whether an @ in full mode arrives under both names (section 10.10).
        echo_own: Whether a bot's own messages come back to it in full mode (section 10.24).
        deliver_bots: Whether other bots' messages arrive in full mode (4.4).

        forbidden_intents: Intent bits no bot has permission for: private-domain ones (3.4).
        intents_refused: How an Identify that asks for them ends: 4014, or op 9 and 4903 (3.4).
        join_request_bit: Which bit lets GROUP_JOIN_REQUEST through: 25 in August, 24 in September.
        ready_shard: What READY says in ``shard``: the one asked for, or [0, 0] as in the sample.
        ack_early: Whether a heartbeat before READY is acknowledged; it was not, live (3.3).
        recycle_seconds: Real seconds after which a session's connection gets op 7 and 4009, as
            happens about every 30 minutes (3.7); None for never.
        wrong_token: How a wrong token at the gateway ends (3.6): 4903 after op 9, or plain 4004.
        unknown_session: How a Resume of an unknown session ends: op 9, or a close with 4006.
        kick_code: Close code for a connection whose session or shard was taken over; 4902 is
            named "reset by resume" live (3.6).
        webhook_timeout: Real seconds a webhook may take to answer (6.4: not documented).
        webhook_retries: How often an event that was not acknowledged is posted again.
        webhook_retry_delay: Real seconds between these attempts.
        webhook_ack: Whether any 200 acknowledges an event, or only one with ``{"op":12}``.
        webhook_failures: Whether ``{"op":12,"d":1}`` asks for another attempt, as botgo has it.
        shards: How many shards GET /gateway/bot recommends (3.1).
        shard_routing: Which shard gets a chat's events: by a hash of its openid, or always 0;
            not documented (3.5).
        enforce_concurrency: Whether identifies beyond ``max_concurrency`` in 5 s are refused.
    """

    group_window: float = 300.0
    group_replies: int = 5
    c2c_window: float = 3600.0
    c2c_replies: int = 4
    group_event_window: float = 300.0
    c2c_event_window: float = 3600.0
    event_dedupe: bool = True
    typing_counts: bool = True
    recall_window: float = 120.0
    interaction_window: float = 3.0
    reply_expired: int = 40034005
    member_add_answerable: bool = True
    second_ack: Literal["refuse", "ignore"] = "refuse"

    rate_limits: bool = False
    quotas: bool = True
    group_push: bool = True
    c2c_push: bool = True
    push_refused: int = 40034105
    group_wakeup: bool = False
    swallow_offline: bool = False

    max_text: int = 4000
    max_markdown: int = 4000
    long_text: Literal["refuse", "truncate"] = "refuse"
    empty_text: int = 304061
    media_needs_text: bool = False
    banned_words: frozenset[str] = frozenset()
    unescape_sent: bool = False
    text_mentions: bool = False
    button_styles: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    url_check: bool = True
    url_check_c2c: bool = True
    url_whitelist: frozenset[str] = frozenset()
    refuse_nulls: bool = False
    unknown_reference: Literal["ignore", "refuse"] = "ignore"

    upload_ways: frozenset[str] = frozenset({"url", "file_data", "chunked"})
    refused_way: int | Mapping[str, int] = 10000
    max_body: int = 14 * MEGABYTE
    file_ttl: int = 300
    soft_limits: Mapping[int, int] = field(
        default_factory=lambda: {
            1: 20 * MEGABYTE,
            2: 30 * MEGABYTE,
            3: 20 * MEGABYTE,
            4: 200 * MEGABYTE,
        }
    )
    hard_limit: int = 200 * MEGABYTE
    image_formats: frozenset[str] = frozenset({"png", "jpg", "gif", "webp", "bmp"})
    video_formats: frozenset[str] = frozenset({"mp4"})
    voice_formats: frozenset[str] = frozenset({"silk", "wav", "mp3", "ogg"})
    upload_quota: int | None = None
    fetch_timeout: float = 10.0
    upload_block: int = 10 * MEGABYTE
    upload_index_base: int = 1
    file_size_type: Literal["any", "string", "number"] = "any"
    block_size_type: Literal["string", "number"] = "string"
    upload_config: Literal["nested", "top"] = "nested"
    upload_concurrency: int = 1
    enforce_upload_concurrency: bool = False
    upload_retry_timeout: int = 300
    upload_retry_delay: int = 1
    upload_life: float = 3600.0
    parts_not_ready: int = 0
    incomplete_upload: int = 40093001
    finish_needs_type: bool = False
    instant_upload: bool = False

    image_library: bool = True
    fetch_pictures: bool = True
    picture_timeout: float = 5.0
    max_pictures: int = 20
    picture_refused: int = 40034004
    attachment_life: float = 3600.0

    max_stream: int = 4000
    stream_gaps: bool = True
    stream_interval: float = 0.3
    stream_timeout: float = 60.0

    ip_whitelist: frozenset[str] | None = None
    token_burst: int | None = None
    token_burst_code: int = 100017
    fixed_tokens: bool = False
    error_shape: Literal["both", "err_code", "code"] = "both"
    empty_answers: Literal["object", "empty", "204"] = "object"
    old_answers: bool = False
    codes: Mapping[int, int] = field(default_factory=lambda: {40023002: 11298, 40113003: 40007})
    statuses: Mapping[int, int] = field(default_factory=dict)

    strip_at: bool = True
    trailing_space: bool = False
    escape_events: bool = False
    mention_self: bool = True
    minimal_events: bool = False
    int_timestamps: bool = False
    attachment_urls: Literal["full", "bare", "slashes"] = "full"
    member_user_openid: Literal["full", "empty", "absent"] = "full"
    both_events: bool = False
    echo_own: bool = False
    deliver_bots: bool = True

    forbidden_intents: int = 1 << 9 | 1 << 28
    intents_refused: Literal[4014, 4903] = 4014
    join_request_bit: Literal["either", 24, 25] = "either"
    ready_shard: Literal["echo", "zero"] = "echo"
    ack_early: bool = False
    recycle_seconds: float | None = 1800.0
    wrong_token: Literal[4903, 4004] = 4903
    unknown_session: Literal["op9", 4006] = "op9"
    kick_code: int = 4902
    webhook_timeout: float = 5.0
    webhook_retries: int = 3
    webhook_retry_delay: float = 1.0
    webhook_ack: Literal["status", "op12"] = "status"
    webhook_failures: bool = True
    shards: int = 1
    shard_routing: Literal["hash", "first"] = "hash"
    enforce_concurrency: bool = False
