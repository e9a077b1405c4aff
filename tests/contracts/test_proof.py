"""The contracts notice what is broken and accuse nobody else."""


def failed(tests):
    return {test: text for test, (outcome, text) in tests.items() if outcome == "failed"}


def test_nearly_every_broken_plugin_is_caught(faults, outcomes):
    caught = {plugin: failed(tests) for plugin, tests in outcomes["broken"].items()}
    for (family, name), tests in caught.items():
        by = sorted({test.partition("[")[0] for test in tests})
        print(f"{family} {name}: {', '.join(by) or 'MISSED'}")
    missed = [(fault.family, fault.name) for fault in faults if not caught[fault.family, fault.name]]
    assert len(faults) >= 34
    assert len(missed) <= 0.05 * len(faults), f"missed: {missed}"


def test_each_is_caught_by_the_test_whose_advice_helps(faults, outcomes):
    elsewhere = {
        (fault.family, fault.name): sorted(failed(outcomes["broken"][fault.family, fault.name]))
        for fault in faults
        if not any(fault.about in test for test in failed(outcomes["broken"][fault.family, fault.name]))
    }
    assert elsewhere == {}


def test_no_good_plugin_is_accused(outcomes):
    accused = {plugin: failed(tests) for plugin, tests in outcomes["good"].items() if failed(tests)}
    for plugin, tests in accused.items():
        for test, text in tests.items():
            print(f"{plugin}: {test}\n{text}\n")
    assert len(outcomes["good"]) >= 8
    assert {plugin: sorted(tests) for plugin, tests in accused.items()} == {}


def test_what_a_failure_says_ends_with_advice(outcomes):
    for tests in outcomes["broken"].values():
        for text in failed(tests).values():
            assert "If this fails, " in text
