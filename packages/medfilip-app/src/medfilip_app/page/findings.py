"""The answers of tab Report as HTML: the text with its findings, and a table of them. Pure."""

from gpt_ie import ReportFindings
from iki_knowledge import KnowledgeBase

from medfilip_app.page.highlight import highlighted, marks
from medfilip_app.page.words import PRESENCE, category_name, region_name, spaced


def read_report(text: str, read: ReportFindings, kb: KnowledgeBase) -> str:
    """A report with its findings in place, and their table.

    Args:
        text: The report as read.
        read: Its findings.
        kb: The dictionary.
    """
    kinds = [finding.presence for finding in read.findings]
    body = highlighted(text, marks(read.findings, kinds))
    if not read.findings:
        return f'{body}<p class="mf-said">No finding of the dictionary is named in this text.</p>'
    rows = "".join(
        f'<tr><td>{number}</td><th scope="row">{category_name(kb, one.category)}</th>'
        f'<td class="mf-word mf-{one.presence}">{PRESENCE[one.presence]}</td>'
        f"<td>{spaced(one.severity or '–')}</td><td>{one.side or '–'}</td>"
        f"<td>{region_name(kb, one.region) or '–'}</td><td>{one.trend or '–'}</td></tr>"
        for number, one in enumerate(read.findings, 1)
    )
    columns = ("", "finding", "presence", "severity", "side", "region", "trend")
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    return (
        f'{body}<div class="mf-wide"><table class="mf-table"><thead><tr>{head}</tr></thead>'
        f'<tbody>{rows}</tbody></table></div><p class="mf-note">What the report states again '
        "is marked once. Read by gpt-ie's rules alone; no language model is asked, and the text "
        "stays in this process.</p>"
    )
