"""Shared meanings of CoProver: each idea has one home here and is imported by scripts and `local/`.

Glossary
  theorem     a named Lean statement ending in `:= by` (records.Theorem)
  attempt     one response of the generator to a theorem, with its verdict
  snippet     the Lean file built around the dataset's statement and sent to a Lean server
  verdict     verified | rejected | timeout | declined | unavailable (verify.Verdict)
  reward      1.0 for verified, 0.0 for the other scored verdicts
  state       the goals left at a point of a proof, as Lean prints them
  step        a top-level tactic with its nested block
  d           fewest steps from a state to QED over all known proofs
  label       γ^d, the target of the value model; value: what the model predicts, in [0, 1]
  trajectory  the distinct states of a theorem met by sampling and search, with outcome and label
  expansion   one state popped by the search and given to the generator
"""
