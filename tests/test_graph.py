"""Shortest distances in the AND/OR graph, refutation, decomposition (coprover/graph.py)."""

import toy_world as toy

from coprover.graph import StateGraph, decompose, shortest, state_distance
from coprover.labels import canonical_key


def goals(*numbers):
    return tuple(f"⊢ {n}" for n in numbers)


def test_shortest_adds_over_all_children():
    edges = [("a", 1, ("b", "c")), ("a", 9, ()), ("b", 2, ()), ("c", 1, ("b",)), ("d", 1, ("x",)),
             ("e", 1, ("b", "b"))]
    distance, best = shortest(edges)
    assert distance == {"b": 2, "c": 3, "a": 6, "e": 5}
    assert best["a"] == 0


def test_decompose():
    assert decompose(goals(4, 7), goals(3, 7)) == (toy.key(4), (toy.key(3),))
    assert decompose(goals(0, 7), goals(7)) == (toy.key(0), ())
    assert decompose(goals(5, 7), goals(2, 2, 7)) == (toy.key(5), (toy.key(2), toy.key(2)))
    assert decompose(goals(5), ()) == (toy.key(5), ())
    # a step that also changes the other goals belongs to the whole state
    assert decompose(goals(0, 0, 0), ()) == (toy.key(0, 0, 0), ())
    assert decompose(goals(4, 6), goals(2, 3)) == (toy.key(4, 6), (toy.key(2), toy.key(3)))


def test_goals_tied_by_metavariables_stay_together():
    before, after = ("⊢ ?a = 1", "⊢ P ?a", "⊢ Q"), ("⊢ P 1", "⊢ Q")
    head, children = decompose(before, after)
    assert head == canonical_key(before[:2]) and children == (canonical_key(("⊢ P 1",)),)


def explore(n):
    """The whole toy space below n, every step tried."""
    graph = StateGraph()
    todo, seen = [goals(n)], set()
    while todo:
        state = todo.pop()
        if state in seen or len(state) > 4:
            continue
        seen.add(state)
        graph.add_state(state, expanded=True, effort=1)
        for tactic in toy.STEPS:
            after = toy.step(state, tactic)
            if after is not None:
                graph.add_step(state, tactic, after)
                if after:
                    todo.append(after)
    return graph


def test_distances_are_true_when_all_was_seen():
    graph = explore(14)
    distances = graph.distances()
    for n in range(15):
        assert distances[toy.key(n)] == toy.distance(n)
    both = state_distance(distances, goals(6, 5))
    assert both == toy.distance(6) + toy.distance(5)
    graph.add_step(goals(0, 0), "finish all", ())
    assert graph.distances()[toy.key(0, 0)] == 1, "one step closes both"


def test_solve_names_first_tactics_and_refuted_states():
    graph = explore(6)
    distance, tactic, refuted = graph.solve()
    stuck = canonical_key(("⊢ stuck",))
    assert stuck in refuted and toy.key(6) not in refuted and stuck not in distance
    assert tactic[toy.key(0)] in ("done", "finish all")
    for n in range(1, 7):
        after = toy.step(goals(n), tactic[toy.key(n)])
        assert 1 + sum(distance[toy.key(toy.goal_number(g))] for g in after) == distance[toy.key(n)]


def test_refuted_goal_refutes_the_state_and_open_ones_do_not():
    graph = StateGraph()
    graph.add_state(goals(9), expanded=True)
    graph.add_step(goals(9), "split", ("⊢ stuck", "⊢ 3"))
    graph.add_state(("⊢ stuck", "⊢ 3"), expanded=True)
    _, _, refuted = graph.solve()
    assert {toy.key(9), canonical_key(("⊢ stuck",)), canonical_key(("⊢ stuck", "⊢ 3"))} == refuted
    graph.add_step(goals(9), "dec", goals(8))
    assert toy.key(9) not in graph.solve()[2], "8 was never tried"


def test_cycles_do_not_keep_a_state_open():
    graph = StateGraph()
    for a, b in ((1, 2), (2, 1)):
        graph.add_state(goals(a), expanded=True)
        graph.add_step(goals(a), "turn", goals(b))
    assert graph.solve()[2] == {toy.key(1), toy.key(2)}
