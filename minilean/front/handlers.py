"""Which method of the elaborator handles which syntax node."""
from minilean.front import syntax as sx

HANDLERS = {
    sx.Ident: "elab_head", sx.App: "elab_application", sx.Explicit: "elab_head",
    sx.Proj: "elab_head", sx.DotIdent: "elab_head", sx.Hole: "elab_hole",
    sx.SynthHole: "elab_synth_hole", sx.Num: "elab_num", sx.Str: "elab_str",
    sx.SortT: "elab_sort", sx.Lambda: "elab_lambda", sx.FunMatch: "elab_fun_match",
    sx.Forall: "elab_pi", sx.Exists: "elab_exists", sx.Arrow: "elab_arrow",
    sx.BinOp: "elab_binop", sx.UnOp: "elab_unop", sx.Paren: "elab_paren",
    sx.Ascription: "elab_ascription", sx.Tuple: "elab_tuple", sx.Anon: "elab_anon",
    sx.CDot: "elab_cdot", sx.ListLit: "elab_list", sx.Have: "elab_have", sx.Let: "elab_let",
    sx.Show: "elab_show", sx.Suffices: "elab_suffices", sx.Match: "elab_match",
    sx.NoMatch: "elab_nomatch", sx.If: "elab_if", sx.By: "elab_by",
    sx.Calc: "elab_calc", sx.StructInst: "elab_struct_inst", sx.SubtypeT: "elab_subtype",
    sx.Sorry: "elab_sorry",
}
