"""The bar of iterations, by what it writes."""

import threading

from nst_jax.display.bar import Bar


def test_a_bar_counts_the_iterations_of_all_pictures(capsys):
    with Bar(20, done=4) as bar:
        bar.reach({0: 3, 2: 3}, "loss 7")
        bar.reach({0: 8, 2: 8}, "loss 5")
    last = capsys.readouterr().err.split("\r")[-1]
    assert "20/20" in last
    assert "loss 5" in last


def test_what_was_made_before_counts_but_not_for_the_pace(capsys):
    with Bar(2000) as bar:
        bar.reach({0: 1000}, "loss 7")
        assert capsys.readouterr().err.count("?it/s")
        bar.reach({0: 1001}, "loss 6")
        bar.reach({0: 1001, 1: 400}, "loss 5")
    assert "1401/2000" in capsys.readouterr().err.split("\r")[-1]


def test_a_bar_for_terminals_only_is_silent_elsewhere(capsys):
    with Bar(20, terminals_only=True) as bar:
        bar.reach({0: 20}, "loss 7")
    assert capsys.readouterr() == ("", "")


def test_a_bar_works_in_a_thread(capsys):
    def work():
        with Bar(2) as bar:
            bar.reach({0: 2}, "loss 7")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "2/2" in capsys.readouterr().err
