"""Just enough of PromQL to say which metrics and labels an expression speaks of."""

import re

STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right", "inf", "nan"}
LISTS = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")


def variables_replaced(expression):
    """What Grafana makes of a query before it sends it."""
    return expression.replace("$__rate_interval", "30s").replace("$job", ".+").replace("$instance", ".+")


def metrics_of(expression):
    """The names of metrics, those that rules have recorded included."""
    text = STRING.sub('""', expression)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", LISTS.sub("", text))
    found = re.findall(r"(?<![\w:.])(%s)\b(?!\s*\()" % NAME, text)
    return {name for name in found if name.lower() not in WORDS}


def labels_of(expression):
    """The names of labels that it matches on or groups by."""
    text = STRING.sub('""', expression)
    found = {name.strip() for _, names in LISTS.findall(text) for name in names.split(",") if name.strip()}
    for matchers in re.findall(r"\{([^}]*)\}", text):
        found |= set(re.findall(r"(%s)\s*(?:=~|!~|!=|=)" % NAME, matchers))
    return found


def values_of(expression):
    """(metric, label, value) of each matcher that asks for plain values: a=\"x\" or a=~\"x|y\"."""
    found = set()
    for metric, matchers in re.findall(r"(%s)\{([^}]*)\}" % NAME, expression):
        for label, values in re.findall(r'(%s)=~?"([^"]*)"' % NAME, matchers):
            found |= {(metric, label, value) for value in values.split("|")}
    return found
