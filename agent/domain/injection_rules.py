"""The wordings by which orders to a language model are known, in ten languages.

Each rule has triggers, one of which has to occur before its pattern is tried: an ordinary page
has few of them, so a long one is read in milliseconds. Gaps within patterns are bounded, so that
no text makes them slow. Patterns see the text in lower case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


HEAD: Final = 4
"""Letters by which a word is known not to occur, before it is looked for."""


class Trigger(NamedTuple):
    """A string without which a rule cannot match, and how its first word begins if long."""

    text: str
    head: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern, and whether it is an order, which somebody may also be reported to have given."""

    triggers: tuple[Trigger, ...]
    pattern: re.Pattern[str]
    is_order: bool = True


def _rule(triggers: str, pattern: str, *, is_order: bool = True) -> Rule:
    return _made(triggers.split("|"), pattern, is_order=is_order)


def _made(triggers: Sequence[str], pattern: str, *, is_order: bool) -> Rule:
    heads = [re.match(rf"[a-z]{{{HEAD}}}", trigger) for trigger in triggers]
    return Rule(
        tuple(
            Trigger(text, head[0] if head else "")
            for text, head in zip(triggers, heads, strict=True)
        ),
        re.compile(pattern, re.MULTILINE),
        is_order,
    )


_GAP: Final = r"[^.!?\n]{0,60}?"
_BEGIN: Final = (
    r"(?:^|[.!?:;\n>\"'*)\]–—-]|\b(?:and|then|please|now|also|instead|just|simply|only|must|should|"
    r"todo))[ \t]*"
)
_MODEL: Final = (
    r"(?:ais?|llms?|(?:large )?language models?|ai[ -](?:models?|assistants?|systems?|agents?|"
    r"bots?|"
    r"crawlers?|readers?|summari[sz]ers?|reviewers?|tools?)|assistants?|chat ?bots?|bots?|agents?|"
    r"(?:research|web|browsing|autonomous|automated|virtual) ?(?:agents?|assistants?|systems?)|"
    r"chatgpt|gpt(?:-?\d[\w.]*)?|claude|gemini|copilot|summari[sz]ers?|"
    r"fact-?check(?:ing|er) ?(?:systems?|models?|bots?|agents?)?)"
)
_ANSWER: Final = (
    r"(?:response|answer|reply|output|completion|summary|report|message|generated text)s?\b"
)
_EARLIER: Final = (
    r"(?:previous|prior|above|earlier|preceding|foregoing|former|original|initial|existing|current|"
    r"system|your|all(?: of)?(?: the| your| these| those)?|any|safety|every|other)"
)
_ORDERS: Final = (
    r"(?:instructions?|directions?|directives?|prompts?|commands?|guidelines?|rules|orders|"
    r"programming|guardrails|constraints|restrictions|context|messages?|safeguards|filters|"
    r"policies)"
)

RULES: Final = (
    # Orders to drop the orders.
    _rule(
        "ignor|disregard|forget|overrid|bypass|neglect|overlook|discard|do not follow|don't follow"
        "|stop following|pay no attention|set aside|delete all|erase",
        r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass|neglect|overlook|"
        r"discard|do not follow|don't follow|stop following|pay no attention to|set aside|erase)\s+"
        rf"(?:[\w']+\s+){{0,3}}?{_EARLIER}\s+(?:[\w']+\s+){{0,3}}?{_ORDERS}\b",
    ),
    _rule(
        "ignor|disregard|forget",
        r"\b(?:ignore|disregard|forget)\s+(?:(?:all|any|everything|anything|whatever|what|of|that|"
        r"was|is|has been|the|text|content|you were|you have been|you've been|i|we)\s+){1,6}"
        r"(?:above|before this|previously|earlier|told|said|so far)\b",
    ),
    _rule(
        "ignore|disregard|trust|believe|rely",
        r"\b(?:ignore|disregard|discard|distrust)\s+(?:all |any )?(?:the )?other "
        r"(?:sources|pages|results|documents|sites|websites|articles|search results|snippets)\b"
        r"|\b(?:trust|believe|rely on|use|cite) only this (?:page|source|site|article|document)\b",
    ),
    # Who the model is to be from now on.
    _rule(
        "you are now|you're now|you will now|act as|behave|pretend|roleplay|role-play|from now on|"
        "henceforth",
        rf"\byou(?:'re| are| will) now\b{_GAP}\b(?:assistant|ai|model|bot|chatbot|dan|unrestricted|"
        r"jailbroken|developer mode|free (?:of|from)|outside|persona|hacker|pirate|root|admin\w*|"
        r"no longer|in (?:\w+ ){0,2}mode|act as|respond|answer|follow|obey)\b"
        rf"|\b(?:act as|behave as|pretend)\b{_GAP}\b(?:unrestricted|jailbroken|no restrictions|"
        r"without (?:any )?restrictions|developer mode|dan|system administrator|evil)\b"
        r"|\b(?:from now on|henceforth),?\s+(?:you (?:will|must|shall|should|are to|only)\s+)?"
        r"(?:only |always )?"
        r"(?:respond|answer|reply|speak|act|output|write|obey|follow|refuse|end every|begin every|"
        r"call)\b",
    ),
    _rule(
        "developer mode|do anything now|dan mode|jailbreak mode|god mode",
        r"\b(?:developer|dan|jailbreak|god|debug) mode (?:is )?(?:now )?(?:on|enabled|activated|"
        r"unlocked)\b"
        r"|\byou can do anything now\b",
    ),
    # Who is addressed.
    _rule(
        " ai|\nai|#ai|*ai|(ai|[ai|>ai|ai:|llm|gpt|claude|gemini|copilot|bot|assistant|language "
        "model|agent|fact-check|factcheck|summariz|summaris",
        r"(?:^|[.!?\n>*#(\[\"-])[ \t]*(?:(?:(?:important|urgent|special|secret|hidden|system) )?"
        r"(?:notes?|messages?|attention|instructions?|warning|notice|reminder|memo|commands?|"
        r"requests?|"
        rf"orders?|directives?|dear|hey|hello|hi|to)(?: (?:to|for))?,?\s+)(?:all |any |the |every |"
        rf"you,? )*{_MODEL}\b"
        r"(?:[^.!?\n:]{0,60}:|\s*[,!]|\s*[-–—]|[^.!?\n]{0,20}\b(?:reading|processing|"
        r"summari[sz]ing|parsing|indexing|evaluating)\b)"
        rf"|(?:^|[.!?\n>*#(\[\"])[ \t]*(?:ai|llm|language models?|chatgpt|gpt|assistants?|agents?|"
        rf"ai[ -]\w+|fact-?check\w* \w+)\s*:\s*"
        r"(?:state|say|output|print|reply|respond|answer|ignore|always|never|do|don't|please|you|"
        r"this|include|mention|recommend|"
        r"cite|treat|rate|mark|report|skip|stop|use|add|write|tell|summari[sz]e|rank|give|note)\b",
        is_order=False,
    ),
    _rule(
        "if you are|if you're|as an ai|as a language|as a large|as an assistant|as a helpful|you, "
        "the|you the",
        rf"\bif you(?:'re| are) (?:an? |the )?(?:automated |autonomous )?{_MODEL}\b(?! "
        rf"(?:researcher|engineer|startup|"
        r"company|developer|student|enthusiast|practitioner|user|expert|team|vendor|professional|"
        r"lab|owner|builder))"
        rf"|\bas an? (?:helpful |automated )?{_MODEL},? you (?:must|should|are|will|have|need|can|"
        rf"shall)\b"
        rf"|\byou,? the {_MODEL}\b",
    ),
    _rule(
        "reading this|processing this|summarizing this|summarising this|parsing this|reads this|"
        "evaluating this|analyzing this",
        rf"\b{_MODEL}\b (?:that (?:is|are) |which (?:is|are) |who (?:is|are) )?(?:currently )?"
        rf"(?:reading|processing|"
        r"summari[sz]ing|parsing|evaluating|analy[sz]ing|reads?) this\b",
        is_order=False,
    ),
    # What the answer is to be.
    _rule(
        "your response|your answer|your reply|your output|your final|your completion|your summary"
        "|your report|your next|the response|the answer|each response|every response|every answer",
        rf"{_BEGIN}(?P<order>add|append|prepend|include|insert|integrate|embed|incorporate|weave|"
        rf"inject|mention|"
        r"put|place|slip|use|translate|encode|encrypt|reverse|replace|rearrange|rewrite|convert|"
        r"begin|start|"
        r"end|finish|conclude|format|mix|scramble|substitute|swap|shuffle|capitali[sz]e|spell|"
        r"promote|"
        r"recommend|reference|modify|shorten|transform|express|obscure|apply|alternate|hide|flip|"
        r"advertise|"
        r"link|render|alter|change|remove|intersperse|randomi[sz]e|introduce|suggest|feature|"
        r"highlight|"
        r"present|provide|write|make|turn|jumble|mask|code|cipher|craft|offer|repeat|output)\b"
        r"(?:[\"“][^\"”\n]{1,160}[\"”]|[^.!?\n\"“]){0,120}?"
        rf"\b(?:(?:in|into|to|from|of|with|within|throughout|at the (?:end|beginning|start|top|"
        rf"bottom) of|"
        rf"using|by|for|as) )?(?:your|(?:each|every)) (?:(?:final|next|entire|whole|own|first|last|"
        rf"text|full|generated) ){{0,2}}{_ANSWER}",
    ),
    _rule(
        "respond|reply|answer only|say only|output|print|repeat|tell the user|tell users|simply "
        "say|translate this",
        rf"{_BEGIN}(?P<order>respond|reply|answer)(?: to (?:the user|me|this|everything|all "
        rf"\w+))?,?\s+"
        r"(?:only|just|exactly|nothing but|solely|exclusively|with (?:only|just|exactly|nothing|"
        r"the (?:text|word|words|phrase|"
        r"following|string|sentence)\b|[\"“'‘「]))"
        rf"|{_BEGIN}(?:output|print|say|repeat|write|return|display)\s+(?:only|nothing but|exactly|"
        rf"(?:out )?the (?:word|phrase|string|"
        r"following (?:text|words|phrase|string|sentence))|[\"“'‘][^\"”'’\n]{1,80}[\"”'’]\s+"
        r"(?:once|only|instead|and nothing|\d+ times))"
        rf"|{_BEGIN}(?:output|print|say|repeat|respond|reply|write)\s+(?:with |only )?[\"“'‘<«(]*"
        r"(?:pwned|hacked|owned|injected|jailbroken|compromised|canary|"
        r"[a-z]{4,10}-[a-z]*\d[a-z\d]{2,})\b"
        r"|\binstead,? (?:print|output|say|write|respond|reply|return|tell|repeat) the (?:text|"
        r"word|phrase|following)\b"
        r"|\btranslate this (?:sentence|text) as\b|\brepeat [^.\n]{1,40} for me please\b"
        rf"|{_BEGIN}tell (?:the user|users|them) (?:that|to)\b",
    ),
    _rule(
        "the user|do not print|don't print|do not mention|do not reveal|do not tell|do not summar|"
        "don't mention"
        "|this instruction|these instruction|this prompt|do not cite|never cite|never mention",
        rf"\b(?:do not|don't|never|without) (?:tell|inform|alert|notify|warn|mention(?:ing)?|"
        rf"tell(?:ing)|inform(?:ing)|alert(?:ing))"
        r"\s+(?:it |this |that |anything )?(?:to )?(?:the )?users?\b"
        r"|\b(?:do not|don't|never) (?:mention|reveal|disclose|acknowledge|repeat|report|show|"
        r"print|summari[sz]e) "
        r"(?:this|these|the|any|that) (?:[\w-]+ )?(?:instructions?|prompt|message|note|title of|"
        r"text above|injection)\b"
        rf"|{_BEGIN}(?:do not|don't) (?:print|summari[sz]e) (?:anything|this (?:page|document|"
        rf"article)|the (?:title|rest))\b"
        r"|\b(?:do not|don't|never) (?:cite|quote|use|mention|trust|consult) (?:any |the )?other "
        r"(?:sources?|pages?|sites?|articles?)\b",
    ),
    _rule(
        "new instruction|updated instruction|real instruction|actual instruction|override|secret "
        "instruction|hidden instruction"
        "|system instruction|admin instruction|developer instruction|your new|new task|new system|"
        "instructions below|instructions hidden"
        "|instructions in this",
        r"(?:^|[.!?\n>*#(\[\"-])[ \t*#]*(?:important |urgent |here are |these are )?(?:the |your )?"
        r"(?:new|updated|real|actual|secret|hidden|override|overriding|system|admin(?:istrator)?|"
        r"developer)"
        r" (?:system )?(?:instructions?|directives?|task|orders?|objective|prompt|override)\s*"
        r"(?:[:*!]|$|are\b|is\b|follow)"
        r"|\byour (?:new|real|actual|true|only) (?:task|instructions?|directive|objective|goal|"
        r"mission)s? (?:is|are|will be)\b"
        r"|\b(?:obey|execute|comply with) (?:the|these|my|this|all|any|following|every)\b"
        r"[^.!?\n]{0,30}?\b(?:instructions?|commands?|orders|request)\b",
    ),
    # What an agent is to do.
    _rule(
        "before you can|before you solve|please do the following first|task that i gave|original "
        "task|message from me|todo:",
        r"\bbefore you (?:can |may )?(?:solve|complete|continue|finish|answer|"
        r"proceed)\b[^.!?\n]{0,60}?\b(?:task|request|question|first)\b"
        r"|\bplease do the following first\b|\bthe task (?:that )?i (?:gave|assigned|asked)\b"
        r"|\bmessage from me,? the (?:user|developer|administrator|owner)\b"
        r"|(?:^|\n)\W{0,4}todo:\s*(?:please )?(?:send|transfer|make a (?:reservation|payment|"
        r"purchase|transaction|booking)|create an? |"
        r"delete (?:the|all|my)|change (?:the|my)|invite|visit|e-?mail|post|buy|purchase|reserve|"
        r"book|share|upload|forward|pay|schedule|"
        r"say|write|summari[sz]e|update my|add (?:a user|user)|refund|cancel|download|click|go to|"
        r"get all|append|recommend)\b",
        is_order=False,
    ),
    _rule(
        "system prompt|initial prompt|initial instruction|hidden instruction|your instruction|your "
        "prompt|confidential|system message"
        "|secret|password|api key|credential|environment variable|chat history|conversation|"
        "private data|exfiltrat|your context|base64",
        rf"{_BEGIN}(?P<order>reveal|print|show|repeat|output|display|leak|tell me|disclose|dump|"
        rf"recite|send|post|transmit|forward|email|"
        r"upload|exfiltrate|append|include|list|give me|share|encode|write out|provide|expose|"
        r"collect|find)\b[^.!?\n]{0,60}?"
        r"(?:\b(?:your|the) (?:\w+ ){0,2}(?:system|initial|hidden|original|secret|developer|above|"
        r"full) ?(?:prompt|instructions?|message|rules|context)\b"
        r"|\byour (?:instructions|prompt|context|rules|guidelines|configuration)\b|\bconfidential "
        r"(?:data|information)\b"
        r"|\b(?:api[ -]keys?|passwords?|credentials|secrets|environment variables|chat history|"
        r"(?:our|the|this) conversation|private data|"
        r"session (?:token|cookie)s?)\b(?=[^.!?\n]{0,80}(?:https?:|\bto \S+@|url|also|append|"
        r"base64|environment|page|$)))"
        r"|\bwhat are the (?:api keys|secrets|passwords)\b",
    ),
    _rule(
        "http|www.",
        rf"{_BEGIN}(?P<order>(?:url[ -]?encode|append|send|post|transmit|upload|forward|exfiltrate|"
        rf"encode|submit|fetch|add|put|load|embed)\b[^.!?\n]{{0,100}}?"
        r"(?:to|at|into|onto) (?:the url |this url |"
        r"the end of )?\W{0,3}https?://[^\s)]{1,120}[?&/][\w-]{1,20}=)"
        r"|^\[[^\]\n]{1,40}\]:\s*https?://[^\s]{1,200}[?&][\w-]{1,20}=(?=[\s\"]|$)"
        r"|!\[[^\]\n]{0,80}\]\(https?://[^\s)]{1,200}[?&][\w-]{1,20}=(?=[{<\[)$%]|data|secret|"
        r"summary|your|insert|conversation|base64|xxx)"
        rf"|{_BEGIN}(?:send|post|forward|upload|transmit|exfiltrate)\b[^.!?\n]{{0,60}}?\b(?:data|"
        rf"summary|conversation|results?|contents?|history|answer|"
        r"question|prompt|keys?)\b[^.!?\n]{0,40}?\bto \W{0,3}(?:https?://|www\.)"
        r"|\baccounts?\b[^.!?\n]{0,40}\b(?:closed|suspended|deactivated|locked|"
        r"terminated)\b[^\n]{0,80}?\b(?:visit|click|go to|log ?in)\b[^.\n]{0,40}?(?:https?:|\]\()",
    ),
    # What an agent that reads and cites is to believe.
    _rule(
        "cite |quote this|use this|verified|supported|trusted|authoritative|ground truth|"
        "undisputed|entailed|mark them|mark it|mark all|mark everything"
        "|skip |plan|sub-question|subquestion|queries|reference-style|claims|in every",
        rf"{_BEGIN}(?P<order>(?:always )?(?:cite|quote|reference|link to|use) (?:this|it|our|"
        rf"us)\b(?: (?:page|site|source|article|paper|website|document))?"
        r"[^.!?\n]{0,30}?(?:\b(?:for|in|after|at|to) (?:every|each|all)\b|as the (?:main|only|"
        r"primary|best|sole|most|authoritative)\b|whatever|no matter))"
        r"|\bcite (?:it|this (?:page|source)) as the (?:main|only|primary)\b"
        r"|\b(?:mark|rate|treat|label|consider|classify|accept|grade|report)\b[^.!?\n]{0,40}?\b"
        r"(?:claims?|them|statements?|this (?:page|source|site|document|paper))\b"
        r"[^.!?\n]{0,25}?\b(?:as )?(?:supported|verified|trusted|authoritative|fully (?:supported|"
        r"verified)|ground truth|undisputed|entailed)\b"
        r"|\bmark (?:them|it|all|everything)(?: as)? (?:supported|verified|true|correct)\b"
        r"|\bskip (?:the|any|all|this|further)?\s?(?:fact-?)?(?:check|verification|validation|"
        r"checks)\b(?=[^\n]{0,3}(?:[.!,;]|$))"
        r"|\badd (?:the|this|these|following|a)\b[^.!?\n]{0,30}?\b(?:sub-?questions?|query|queries|"
        r"search|step|task)\b[^.!?\n]{0,30}?\b(?:to|into) (?:the|your) (?:research |search )?"
        r"(?:plan|queries|questions|outline|list)\b"
        r"|\buse the reference-style link\b"
        r"|\b(?:all|every) claims? (?:citing|from|on|in) this (?:page|source|site|document)\b"
        r"|\b(?:link|image|url|sentence|phrase)\b[^.!?\n]{0,40}\bin every (?:paragraph|sentence|"
        r"section|answer)\b",
    ),
    _rule(
        "all other pages|all other sources|other sources|other pages|must refuse|decode|refuse to|"
        "you must output|you must reply|you must respond",
        r"\ball other (?:pages|sources|sites|articles|websites|reports|"
        r"results)\b[^.!?\n]{0,30}?\b(?:wrong|outdated|false|incorrect|unreliable|fake|ignored?|"
        r"disregarded|obsolete)\b"
        r"|\byou must (?:refuse|obey|output|(?:respond|reply|answer) (?:only|with|exactly))\b"
        r"|\bdecode\b[^.!?\n]{0,50}?\b(?:obey|follow|execute|comply|carry out|do (?:what|as) it "
        r"says)\b",
    ),
    _rule(
        "injection succeeded|exfiltration in progress|injection successful",
        r"\b(?:ai )?(?:injection succeeded|data exfiltration in progress|injection successful)\b",
        is_order=False,
    ),
    # Other languages.
    _rule(
        "忽略|无视|忽視|無視|忘记|忘記|忘掉|不要理会|不要遵|不理会|抛弃|别管|不用管|覆盖",
        r"(?:忽略|无视|無視|忽視|忘记|忘記|忘掉|不要理会|不要遵[守循]|不理会|抛弃|别管|不用管|"
        r"覆盖)[^。！？\n]{0,14}?"
        r"(?:之前|以前|以上|上面|上述|先前|此前|前面|所有|全部|一切|你的|原有|原来|原先|系统|任何|"
        r"其他|其它)[^。！？\n]{0,10}?"
        r"(?:指令|指示|提示|命令|规则|規則|约束|限制|设定|說明|说明|要求|来源|网页|页面|資料|资料|"
        r"内容)",
    ),
    _rule(
        "只输出|仅输出|只回|仅回|只需|从现在|從現在|你现在是|你現在是|系统提示|系統提示|告诉用户|"
        "告知用户|提醒用户|作为ai|作为人工|作为一个|致ai|致所有|回答中|回复中|答案中|报告中|回答的|"
        "新的指令|新指令|模型请|助手请|ai请|标记为|不要引用|输出以下",
        r"(?:只|仅|请只|请仅)(?:输出|回复|回答|返回|需(?:输出|回复|"
        r"回答))(?=[^。\n]{0,30})[“\"「『:：a-z]?"
        r"|(?:从现在(?:开始|起)|從現在(?:開始|起))[，,]?\s*(?:你|请|所有)"
        r"|你[现現]在是[^。\n]{0,16}(?:助手|模型|机器人|ai|人工智能|dan|黑客|模式|管理员)"
        r"|(?:输出|透露|泄露|显示|告诉我|打印|重复|说出|公开)[^。\n]{0,10}(?:系统提示|系統提示|"
        r"初始指令|提示词)"
        r"|不要(?:告诉|告知|提醒|通知)用户"
        r"|作为(?:一个|一名)?(?:ai|人工智能|语言模型|大模型|智能助手|"
        r"大语言模型)[^。\n]{0,10}[，,]?你(?:必须|应该|应当|需要|要|只能)"
        r"|(?:致|请)(?:所有|各位)?(?:ai|人工智能|大模型|语言模型|智能助手)[^。\n]{0,10}[：:]"
        r"|(?:ai|模型|助手)请(?:注意|忽略|输出|回答|在|将|把)"
        r"|在(?:你的|您的|最终)?(?:回答|回复|答案|报告|总结|输出)(?:中|里|的?(?:末尾|结尾|"
        r"开头))[^。\n]{0,6}(?:加入|添加|插入|写上|附上|推荐|提到|包含|注明)"
        r"|新(?:的)?指令\s*[：:]"
        r"|标记为(?:“|\")?(?:已验证|已核实|supported|可信)"
        r"|不要引用(?:其他|其它|别的)"
        r"|输出以下(?:内容|文字|句子)[：:]",
    ),
    _rule(
        "ignorier|vergiss|vergessen sie|missacht|antworte nur|antworten sie nur|antworte "
        "ausschließlich|du bist ab|du bist jetzt|systemprompt|system-prompt|ab sofort|ab jetzt",
        r"\b(?:ignorier\w*|vergiss|vergessen sie|missacht\w*|beachte)\b[^.!?\n]{0,30}?\b(?:alle\w*|"
        r"vorherig\w*|bisherig\w*|obig\w*|vorig\w*|früher\w*|vorangegangen\w*|deine\w*|ihre)\b"
        r"[^.!?\n]{0,40}?(?:anweisung|instruktion|befehl|vorgabe|regel|prompt|aufträge|"
        r"richtlinie)\w*"
        r"|\bantworten? (?:sie )?(?:nur|ausschließlich|lediglich) (?:noch )?(?:mit|auf)\b"
        r"|\b(?:du bist|sie sind) (?:jetzt|nun|ab jetzt|ab sofort) (?:ein\w* )?[^.\n]{0,30}?"
        r"(?:assistent|ki|modell|bot|modus)\w*"
        r"|\b(?:gib|geben sie|zeige?|nenne|verrate)\b[^.\n]{0,40}?\bsystem-?prompt\b"
        r"|\b(?:ab sofort|ab jetzt) (?:antworte|antwortest|musst|bist|schreib)\w*",
    ),
    _rule(
        "ignor|oubli|ne tiens pas|ne tenez pas|ne tiens aucun|réponds uniquement|répondez "
        "uniquement|réponds seulement|tu es maintenant|vous êtes maintenant|désormais|olvid|omite|"
        "caso omiso|desestim|responde s|responde ú|ahora eres|a partir de ahora|esque|desconsider|"
        "dimentica|responda apenas|rispondi solo",
        r"\b(?:ignor(?:e[sz]?|er|a|ad|en|i|ate|ar)|oublie[zsr]?|ne (?:tiens|tenez) (?:pas|aucun) "
        r"compte|olvid(?:a|e|en|ad)|(?:haz|haga|hagan) caso omiso|desestim[ae]|omite|"
        r"esque(?:ça|cer)|desconsidere|dimentica(?:te)?)\b[^.!?\n]{0,30}?"
        r"\b(?:instructions|consignes|directives|ordres|règles|commandes|instrucciones|"
        r"indicaciones|órdenes|reglas|directrices|instruções|ordens|regras|comandos|istruzioni|"
        r"ordini|regole)\b"
        r"[^.!?\n]{0,30}?(?:précédent|antérieur|ci-dessus|ci-avant|initial|anterior|previ|prévi|"
        r"préalable|precedent|arriba|acima|système|sistema|sopra|dadas|données|reçues)\w*"
        r"|\b(?:ignor(?:e[sz]?|er|a|ad|en|i|ate|ar)|oublie[zsr]?|olvid(?:a|e|en|ad)|desestim[ae]|"
        r"esque(?:ça|cer)|dimentica(?:te)?)\b"
        r"[^.!?\n]{0,20}?\b(?:toutes?|tous|todas?|todos|tutte|tutti|anteriores|précédentes|"
        r"previas)\b[^.!?\n]{0,30}?"
        r"\b(?:instructions|consignes|directives|règles|instrucciones|indicaciones|órdenes|reglas|"
        r"instruções|ordens|regras|istruzioni|regole)\b"
        r"|\b(?:réponds|répondez) (?:uniquement|seulement|exclusivement)\b|\bresponde (?:solo|sólo|"
        r"únicamente|solamente)\b|\bresponda apenas\b|\brispondi (?:solo|soltanto)\b"
        r"|\b(?:tu es|vous êtes) (?:maintenant|désormais) (?:une? )?[^.\n]{0,30}?(?:assistante?|"
        r"modèle|ia|mode|robot|pirate)\b"
        r"|\b(?:ahora eres|a partir de ahora,? (?:eres|responde|debes))\b",
    ),
    _rule(
        "игнорируй|забудь|не обращай|отбрось|отвечай только|отвечайте только|ответь только|выведи|"
        "ты теперь|вы теперь|системный промпт|системную подсказку",
        r"(?:(?:про)?игнорируй(?:те)?|забудь(?:те)?|не обращай(?:те)? внимания на|отбрось"
        r"(?:те)?)[^.!?\n]{0,40}?(?:инструкци|указани|команд|правил|промпт|подсказ|распоряжени)\w*"
        r"|(?:отвечай(?:те)?|ответь(?:те)?|выведи(?:те)?|напиши(?:те)?) (?:только|лишь)\b"
        r"|(?:ты|вы) теперь [^.\n]{0,30}?(?:ассистент|модель|бот|ии|режим)\w*"
        r"|(?:покажи|выведи|раскрой|сообщи)(?:те)?[^.\n]{0,30}?системн\w+ (?:промпт|подсказ|"
        r"инструкц)\w*",
    ),
    _rule(
        "無視|忘れ|破棄|従わない|だけ出力|だけ回答|だけ返答|だけ答え|のみ出力|のみを出力|"
        "システムプロンプト|あなたは今",
        r"(?:以前|これまで|今まで|上記|前述|前|すべて|全て|全部|先|あなた|他)[^。\n]{0,16}?(?:指示|"
        r"命令|プロンプト|指令|ルール|指図|制約|情報源|ページ)[^。\n]{0,8}?(?:無視|忘れ|破棄|"
        r"従わない)"
        r"|と?(?:だけ|のみ)を?(?:出力|回答|返答|答え|返信)(?:し|て|せよ|する)"
        r"|システムプロンプトを(?:出力|表示|教え|開示|公開)"
        r"|あなたは今(?:から|、)?[^。\n]{0,16}(?:ai|アシスタント|モード|モデル|ボット)",
    ),
    _rule(
        "무시|잊어|잊으|만 출력|만 답|تجاهل|انس ",
        r"(?:이전|위의|앞의|앞선|모든|지금까지|기존)[^.\n]{0,20}?(?:지시|명령|지침|프롬프트|"
        r"규칙)[^.\n]{0,10}?(?:무시|잊)"
        r"|(?:이라고|라고|라고만|다음만|것만)\s?만?\s?(?:출력|답변|대답|답)하"
        r"|(?:تجاهل|انس )[^.\n]{0,30}?(?:التعليمات|الأوامر|التوجيهات|تعليمات|القواعد)",
    ),
    _made(["<|"], r"<\|[a-z_]{2,24}\|>", is_order=False),
    # Turns of a chat, calls of tools and ends of quotations, as models are trained on them.
    _rule(
        "[inst|[/inst|<</|<sys|_of_turn|tool_|function_call|<invoke|antml|system_prompt|"
        "system-reminder|untrusted|user_query"
        "|<information|</information|<important|</important|<admin|<system|</system|<instructions|"
        "</instructions|](#"
        "|system:|assistant:|ai:|system message:|system override|system prompt:|system note:|"
        "assistant]|system]|assistant |### i|### s|### r|### h|### a|###i|###s|###r|###h|###a",
        r"\[/?inst\]|<</?sys>>|</?(?:start|end)_of_turn>"
        r"|</?(?:tool_call|tool_use|tool_result|function_calls?|invoke|antml:\w+|system_prompt|"
        r"system-reminder|untrusted|user_query)\b[^>\n]{0,80}>"
        r"|</?(?:information|important|admin|instructions|system)>(?=\s)"
        r"|\[(?:system|assistant|user|human)\]\(#[\w-]{0,20}\)"
        r"|^[ \t#>*\[(]{0,6}(?:system|assistant|ai)\]?(?: (?:message|prompt|override|"
        r"note))?[*)]{0,2}\s?:[ \t*]{0,4}(?:you |ignore|disregard|output|print|reply|respond|say|"
        r"reveal|from now|new instr|forget|the user|override|\[)"
        r"|>\s{0,3}(?:system|assistant)\s?:\s|content=\"(?:system|assistant)\s?:"
        r"|^[ \t#>*]{0,4}(?:assistant|ai)[*]{0,2}:[^\n]{0,300}\n{1,3}[ \t#>*]{0,4}(?:user|"
        r"human)[*]{0,2}:"
        r"|^#{2,4} ?(?:instructions?|system(?: prompt)?|response|human|assistant) ?:",
        is_order=False,
    ),
    _rule(
        "untrusted|end of|end_|end-|begin_|begin of|start of|close of|<end|=end|-end",
        r"[<=#*\[-]{2,12} ?/?(?:end|begin|start|close)[_ -](?:of[_ -])?(?:the[_ -])?(?:untrusted|"
        r"document|context|data|user|system|prompt|quoted|"
        r"retrieved|sources?|passages?|input|instructions|page|text|content|search)[\w "
        r"-]{0,24}[>=#*\]-]{2,12}",
        is_order=False,
    ),
    # Words written backwards, or turned by 13 letters.
    _rule(
        "snoitcurtsni|tpmorp metsys|vafgehpgvba|flfgrz cebzcg|vtaber nyy|vtaber cerivbhf",
        r"snoitcurtsni|tpmorp metsys|vafgehpgvba|flfgrz cebzcg|vtaber nyy|vtaber cerivbhf",
        is_order=False,
    ),
)  # fmt: skip

REPORTED: Final = re.compile(
    r"\b(?:(?<!need )(?<!have )(?<!want )(?<!you )(?<!required )(?<!instructed )(?<!going "
    r")(?<!supposed )to|can|could|may|might|would|will|does|did|they|we|"
    r"who|which|that|often|sometimes|models?|attackers?|users?|people|drivers|not|cannot|n't|it|i|"
    r"has|have|had|had been|"
    r"of|by|for|on|in|from|the|a|an|when|when you|if you)\s+$"
)
"""What stands before a verb that is told of somebody rather than said to somebody."""

QUOTED: Final = (
    ('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("「", "」"), ("『", "』"), ("`", "`"),
    ("‘", "'"),
)  # fmt: skip

UNSEEN: Final = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]+"
)
TAGS: Final = re.compile(
    "(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0020-\U000e007e]{4,}|"
    "\u202e[^\n\u202c]{0,80}?[A-Za-z]{3,}[^\n\u202c]{0,200}"
)
"""Letters a model reads and nobody sees; flags are written so too. Latin turned backwards."""

_ALIKE: Final = "асеіјорԛѕхуԝһӏαοενικ"
GREEK_AND_CYRILLIC: Final = str.maketrans(_ALIKE, "aceijopqsxywhlaoevik")
MIXED: Final = re.compile(
    rf"[a-z]{{1,30}}[{_ALIKE}][a-z{_ALIKE}]*|[{_ALIKE}]{{1,30}}[a-z][a-z{_ALIKE}]*"
)
EASTERN: Final = re.compile("[\u0400-\u04ff\u0600-\u06ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
LOOKALIKE: Final = re.compile(f"[{_ALIKE}]")
"""Words of two alphabets, whose foreign letters only look like Latin ones."""

DRESSED: Final = re.compile("[\uff01-\uff5e\ue000-\uf8ff\U0001d400-\U0001d6a3\u2007\u202f]")
UNDRESSED: Final = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **dict.fromkeys((0x2007, 0x202F, *range(0xE000, 0xF900)), " "),
    **{0x1D400 + at: letter for at, letter in enumerate((ascii_uppercase + ascii_lowercase) * 13)},
}
"""Full-width and mathematical letters; characters for private use stand for spaces."""

LEET: Final = str.maketrans("0134578@$", "oieastbas")
LEET_TRIGGERS: Final = ("ignore", "instruction", "disregard", "systemprompt", "previous")
SPACED: Final = re.compile(r"(?:[ ._*\-]{1,3}\w){7,80}(?!\w)")
BASE64: Final = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
