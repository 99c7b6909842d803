"""Sends one sequence of requests to two servers and compares every answer; shrinks what shows a difference."""

import dataclasses
import json
import time

import answers
import conflicts
from reasons import Case, Reasons
from request import Request, batches
from shrink import Shrinker

# The reference answers DELETE, wipe and unchecked pushes before it has done them; a read that differs after one is asked of it
# again, this often. Ours is asked once: what it acknowledged is there. A rejected push is sent to it again too, which changes
# nothing: which of several conflicts it meets is random, and the one that we name must come up.
# The pauses between two reads grow, so that a busy machine does not make a difference of it: 2.4 s in all.
ASKED_AGAIN = 60
ASKED_AGAIN_WHILE_SHRINKING = 8
PAUSE_S = 0.003
PAUSE_MAX_S = 0.05


@dataclasses.dataclass
class Finding:
    requests: list
    differences: list
    theirs: object
    mine: object

    def kind(self):
        """What must stay the same while it is shrunk."""
        first = self.differences[0]
        return (first.what.split(" ")[0], first.theirs, first.mine) if first.what == "status" else first.what.split(" ")[0]


class Referee:
    """Compares `theirs`, the reference, with `mine`, both of them sides.Side."""

    def __init__(self, theirs, mine, profile, reasons=None, patience=ASKED_AGAIN):
        self.theirs = theirs
        self.mine = mine
        self.profile = profile
        self.reasons = reasons or Reasons()
        self.patience = patience
        self.sent = 0
        self.asked_again = 0
        self.cut_short = 0  # sequences whose rest was not compared, because of a reason
        self.wipe = Request("PUT", profile.prefix + "/api/v1/admin/wipe")
        self.groups = Request("GET", profile.prefix + "/api/v1/metrics")

    def reset(self):
        """Both empty. The reference may still have something in its queue where pushes are not checked."""
        self.mine.ask(self.wipe)
        empty = 0
        while empty < (3 if self.profile.unchecked else 1):
            self.theirs.ask(self.wipe)
            answer = self.theirs.ask(self.groups)
            empty = empty + 1 if answer.status == 200 and json.loads(answer.body).get("data") == [] else 0
            if empty == 0:
                time.sleep(PAUSE_S)

    def run(self, requests):
        """A Finding, or None when everything was as it should be."""
        self.reset()
        history, late = [], False
        for batch in batches(requests):
            self.theirs.send(batch)
            self.mine.send(batch)
            pairs = list(zip(batch, self.theirs.receive(batch), self.mine.receive(batch)))
            self.sent += len(batch)
            for request, theirs, mine in pairs:
                history.append(request)
                late = late or theirs.status == 202
                differences, left_out = answers.compare(theirs, mine)
                reason = self.explain(request, differences, theirs, mine, history)
                if differences and reason is None and self.may_change(request, theirs, mine, late):
                    theirs, differences, left_out = self.ask_again(request, mine, theirs, differences, left_out)
                    reason = self.explain(request, differences, theirs, mine, history)
                for what in left_out:
                    self.reasons.left_out(what)
                if not differences:
                    continue
                if reason is None:
                    return Finding(list(history), differences, theirs, mine)
                reason.count += 1
                if reason.ends:
                    self.cut_short += 1
                    return None
        return None

    @staticmethod
    def may_change(request, theirs, mine, late):
        """Whether the reference may give another answer when it is asked again, without any harm."""
        return late and request.method == "GET" or conflicts.both_name_one(theirs, mine)

    def ask_again(self, request, mine, theirs, differences, left_out):
        for attempt in range(self.patience):
            if request.method == "GET":
                time.sleep(min(PAUSE_S * (attempt + 1), PAUSE_MAX_S))
            self.asked_again += 1
            theirs = self.theirs.ask(request)
            differences, left_out = answers.compare(theirs, mine)
            if not differences:
                break
        return theirs, differences, left_out

    def explain(self, request, differences, theirs, mine, history):
        """The reason of the differences, or None where one has none."""
        found = None
        for difference in differences:
            reason = self.reasons.explain(Case(request, difference, theirs, mine, history, self.profile))
            if reason is None:
                return None
            found = found if found is not None and found.ends else reason
        return found

    def shrunk(self, finding, seconds=60):
        """The smallest sequence that was found to show the same difference."""
        quiet = Referee(self.theirs, self.mine, self.profile, patience=ASKED_AGAIN_WHILE_SHRINKING)
        last = [finding]

        def reproduces(requests):
            found = quiet.run(requests) if requests else None
            if found is None or found.kind() != finding.kind():
                return False
            last[0] = found
            return True

        smallest = Shrinker(reproduces, seconds).shrink(finding.requests)
        if reproduces(smallest):
            return last[0]
        # It does not show itself every time; the last sequence that did is as good as it gets.
        return last[0]
