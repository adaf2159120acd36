"""The harness does what the real application was seen to do."""

from harness.facts import known_facts, observe


def test_the_facts_are_many_and_each_is_reported_once():
    facts = known_facts()
    assert len({(fact.code, fact.value) for fact in facts}) == len(facts) > 300


def test_the_harness_gives_what_the_application_gave(application, monkeypatch):
    # Some facts are about slots that raise: the application prints that, and goes on.
    monkeypatch.setattr("sys.excepthook", lambda *_: None)
    different = [
        f"{fact.title}: there {fact.gives}, here {given}"
        for fact, given in ((fact, observe(fact)) for fact in known_facts())
        if given != fact.gives
    ]
    assert different == []
