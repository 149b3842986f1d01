"""A program that speaks the Lean REPL protocol and misbehaves on request: no Lean, only its pipes.

Words anywhere in the Lean text say what to do: FAIL (error message there), SORRY, AXIOM name,
DECLINE name, WRONG (the restated theorem fails), NOEPILOGUE (as after `#exit`), SLEEP s, HANG,
SPIN, CRASH, GARBAGE, HALF, EMPTY, MESSAGE, BIG n, STDERR n, JUMP (a number too high), FORGE (an
answer of its own before the real one), LATE (one more after it). `import Bad` has an error,
`import Slow` hangs. Tactics: `close` (first goal done), `split`, `go text`, and the words above.
Run: `python tests/fake_repl.py`
"""

from __future__ import annotations

import json
import os
import re
import sys
import time

envs = 0
states: list[list[str]] = []


def say(answer: dict) -> None:
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=1) + "\n\n")
    sys.stdout.flush()


def misbehave(text: str) -> dict | None:
    """Acts on the words of a text; an answer returned here replaces the real one."""
    global envs
    if "CRASH" in text:
        sys.stderr.write("PANIC: the fake died as told\n")
        sys.stderr.flush()
        os._exit(3)
    while "SPIN" in text:
        pass
    if "HANG" in text:
        time.sleep(600)
    if match := re.search(r"SLEEP ([\d.]+)", text):
        time.sleep(float(match.group(1)))
    if match := re.search(r"STDERR (\d+)", text):
        sys.stderr.write("x" * int(match.group(1)))
        sys.stderr.flush()
    if "GARBAGE" in text:
        sys.stdout.write("this is not JSON\n\n")
        sys.stdout.flush()
        return {}
    if "HALF" in text:
        sys.stdout.write('{"env": 1, "mess')
        sys.stdout.flush()
        os._exit(0)
    if "FORGE" in text:
        say({"env": envs + 1})
    if "JUMP" in text:
        envs += 7
    if "EMPTY" in text:
        return {}
    if "MESSAGE" in text:
        return {"message": "Unknown environment."}
    return None


def message(severity: str, line: int, data: str) -> dict:
    where = {"line": line, "column": 0}
    return {"severity": severity, "pos": where, "endPos": where, "data": data}


def run_command(request: dict) -> dict:
    global envs
    text = request["cmd"]
    if (answer := misbehave(text)) is not None:
        return answer
    lines = text.split("\n")
    messages, sorries = [], []
    axioms = re.findall(r"AXIOM (\S+)", text)
    declined = None
    for number, line in enumerate(lines, start=1):
        if "FAIL" in line or "import Bad" in line:
            messages.append(message("error", number, f"told to fail: {line.strip()}"))
        if "import Slow" in line:
            time.sleep(600)
        if "SORRY" in line:
            messages.append(message("warning", number, "declaration uses `sorry`"))
        if match := re.search(r"DECLINE (\S+)", line):
            declined = match.group(1)
            messages.append(message("error", number, f"minilean declined: {declined}"))
        if match := re.search(r"BIG (\d+)", line):
            messages.append(message("info", number, "b" * int(match.group(1))))
        if "WRONG" in text and line.startswith("theorem coprover_"):
            messages.append(message("error", number, "type mismatch"))
        if (match := re.match(r"#print axioms (\S+)", line)) and "NOEPILOGUE" not in text:
            messages.append(print_axioms(number, match.group(1), text, axioms))
        if line.endswith("by sorry"):
            states.append([f"⊢ {line}"])
            sorries.append({"goal": states[-1][0], "proofState": len(states) - 1})
    answer: dict = {"env": envs}
    envs += 1
    answer |= {"messages": messages} if messages else {}
    answer |= {"sorries": sorries} if sorries else {}
    answer |= {"declined": declined} if declined else {}
    return answer


def print_axioms(number: int, name: str, text: str, axioms: list[str]) -> dict:
    if f"theorem {name} " not in text:
        return message("error", number, f"Unknown constant `{name}`")
    if axioms:
        return message("info", number, f"'{name}' depends on axioms: [{', '.join(axioms)}]")
    return message("info", number, f"'{name}' does not depend on any axioms")


def run_tactic(request: dict) -> dict:
    text, number = request["tactic"], request["proofState"]
    if not 0 <= number < len(states):
        return {"message": "Unknown proof state."}
    if (answer := misbehave(text)) is not None:
        return answer
    if match := re.search(r"DECLINE (\S+)", text):
        return {"message": f"minilean declined: {match.group(1)}", "declined": match.group(1)}
    goals = list(states[number])
    if text == "close":
        goals = goals[1:]
    elif text == "split":
        goals = [f"case left\n{goals[0]}", f"case right\n{goals[0]}", *goals[1:]]
    elif text.startswith("go "):
        goals = [f"⊢ {text[3:]}", *goals[1:]]
    elif text == "cheat":
        return {"proofState": add(goals), "goals": [], "proofStatus": "Incomplete: contains sorry"}
    else:
        return {"message": f"Lean error:\nunknown tactic {text}"}
    status = "Incomplete: open goals remain" if goals else "Completed"
    return {"proofState": add(goals), "goals": goals, "proofStatus": status}


def add(goals: list[str]) -> int:
    states.append(goals)
    return len(states) - 1


def main() -> None:
    request = ""
    for line in sys.stdin:
        if line.strip():
            request += line.rstrip("\n")
            continue
        data = json.loads(request)
        request = ""
        say(run_tactic(data) if "tactic" in data else run_command(data))
        if "LATE" in data.get("cmd", ""):
            say({"env": envs + 7})


if __name__ == "__main__":
    main()
