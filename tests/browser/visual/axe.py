"""axe in a page: what it finds there of the serious kind. What was seen to be readable is not looked at again."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SERIOUS = {"serious", "critical"}

# Dark is the same page in other colours.
ASKED: dict[str, dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}

# Of all that axe looks at, contrast takes two thirds, and most of it again and again: the cells of a table, the menu of
# every page. Whether a text stands out depends on its letters and on what is behind it. Both are the same where all
# elements from the root down have the same names, classes and styles. What is taken out of the flow of the page may
# stand before anything, and is always looked at. So is what failed, and what axe could not tell.
REMEMBER = """const remember = (told) => {
    const styles = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight", "textShadow",
                    "position", "filter", "mixBlendMode"]
    const readable = new Set(told.split(" ")), added = [], keys = new Map()
    const short = (text) => {  // cyrb53: 53 bits
        let [one, two] = [0xdeadbeef, 0x41c6ce57]
        for (let at = 0; at < text.length; at++) {
            one = Math.imul(one ^ text.charCodeAt(at), 2654435761)
            two = Math.imul(two ^ text.charCodeAt(at), 1597334677)
        }
        one = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(two ^ (two >>> 13), 3266489909)
        two = Math.imul(two ^ (two >>> 16), 2246822507) ^ Math.imul(one ^ (one >>> 13), 3266489909)
        return String(4294967296 * (2097151 & two) + (one >>> 0))
    }
    const made = (element) => {
        const above = element.parentElement ? key(element.parentElement) : "root"
        const style = getComputedStyle(element)
        if (!above || !["static", "relative"].includes(style.position)) return ""
        const own = styles.map((name) => style[name])
        return short([above, element.tagName, element.getAttribute("class"), ...own].join("|"))
    }
    const key = (element) => {
        if (!keys.has(element)) keys.set(element, made(element))
        return keys.get(element)
    }
    const check = axe._audit.checks["color-contrast"]
    const evaluate = (check.usual ??= check.evaluate)
    check.evaluate = function (element, ...others) {
        const name = key(element)
        if (readable.has(name)) return true
        const answer = evaluate.call(this, element, ...others)
        if (answer === true && name) {
            readable.add(name)
            added.push(name)
        }
        return answer
    }
    return added
}"""

# axe gives what a rule finds the rule's own impact, if it has one: what can be mild at most need not be looked for.
LOOK = """async ([asked, serious, told]) => {
    %s
    const mild = axe._audit.rules.filter((rule) => rule.impact && !serious.includes(rule.impact))
    const without = asked.runOnly ? {} : Object.fromEntries(mild.map((rule) => [rule.id, { enabled: false }]))
    const added = remember(told)
    const { violations } = await axe.run({ ...asked, rules: without })
    return [violations, added.join(" ")]
}"""


class Axe:
    """What axe finds on one page after another, in one browser."""

    def __init__(self) -> None:
        self._readable: set[str] = set()

    def comes_along(self, page: Page) -> None:
        """Be in every page that this window opens from now on: half a megabyte, which need not be sent each time."""
        page.add_init_script(AXE_SCRIPT)

    def found(self, page: Page, look: str, name: str) -> list[str]:
        """Return the serious violations: the look, the page, the rule and where."""
        asked = [ASKED[look], sorted(SERIOUS), " ".join(self._readable)]
        violations, added = page.evaluate(LOOK % REMEMBER, asked)
        self._readable.update(added.split())
        return [
            f"{look} {name}: {each['id']} at {node['target']}: {node.get('failureSummary', '')}"
            for each in violations
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]
