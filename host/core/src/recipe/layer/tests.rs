use super::super::Recipe;

const START: &str = "input_side = 50\n\n[training]\nepochs = 1\nbatch = 1\nlearning_rate = 1.0\n";
const END: &str = "\n[output]\nl1 = 0.0\nl2 = 0.0\n";

fn read(layers: &str) -> Result<Recipe, String> {
    Recipe::parse(&format!("{START}{layers}"), "mine.toml").map_err(|error| error.to_string())
}

/// Weights files contain these texts, so their bytes must stay.
#[test]
fn layers_are_written_as_ever() {
    let conv = "kind = \"conv\"\nchannels = 16\n";
    for (read_from, written) in [
        (
            "outputs = 9\nactivation = \"relu\"".to_owned(),
            "outputs = 9\nactivation = \"relu\"\ndropout = 0.0\nl1 = 0.0\nl2 = 0.0\n".to_owned(),
        ),
        (
            "kind = \"dense\"\nweight_bits = 4\nl2 = 2\nl1 = 0.1\ndropout = 0.25\nactivation = \"linear\"\noutputs = 9"
                .into(),
            "outputs = 9\nactivation = \"linear\"\ndropout = 0.25\nl1 = 0.1\nl2 = 2.0\nweight_bits = 4\n".into(),
        ),
        (
            format!(
                "{conv}kernel = [3, 3]\nstride = [1, 1]\npadding = [0, 0, 0, 0]\nactivation = \"relu\"\npool = 1\n"
            ),
            format!("{conv}kernel = 3\nactivation = \"relu\"\ndropout = 0.0\nl1 = 0.0\nl2 = 0.0\n"),
        ),
        (
            "kind = \"depthwise\"\nkernel = [3, 5]\nstride = [2, 2]\npadding = [1, 1, 1, 1]\nbatch_norm = true\n\
             activation = \"relu6\"\npool = 2\ndropout = 0.5\nl1 = 1\nl2 = 1e-5\nweight_bits = 7"
                .into(),
            "kind = \"depthwise\"\nkernel = [3, 5]\nstride = 2\npadding = 1\nbatch_norm = true\n\
             activation = \"relu6\"\npool = 2\ndropout = 0.5\nl1 = 1.0\nl2 = 0.00001\nweight_bits = 7\n"
                .into(),
        ),
        (
            "kind = \"max-pool\"\nwindow = [2, 3]\nstride = [2, 3]\npadding = [1, 0, 1, 2]\n".into(),
            "kind = \"max-pool\"\nwindow = [2, 3]\npadding = [1, 0, 1, 2]\n".into(),
        ),
        (
            "kind = \"average-pool\"\nwindow = 2\nstride = [1, 2]".into(),
            "kind = \"average-pool\"\nwindow = 2\nstride = [1, 2]\n".into(),
        ),
        ("kind = \"global-average\"".into(), "kind = \"global-average\"\ndropout = 0.0\n".into()),
        (
            "kind = \"max-pool\"\nwindow = 1\n[[layer]]\nkind = \"max-pool\"\nwindow = 1\n\
             [[layer]]\nactivation = \"linear\"\nfrom = 1\nkind = \"add\""
                .into(),
            "kind = \"max-pool\"\nwindow = 1\n\n[[layer]]\nkind = \"max-pool\"\nwindow = 1\n\n\
             [[layer]]\nkind = \"add\"\nfrom = 1\nactivation = \"linear\"\n"
                .into(),
        ),
    ] {
        let recipe = read(&format!("[[layer]]\n{read_from}")).unwrap();
        assert_eq!(recipe.to_toml(), format!("{START}\n[[layer]]\n{written}{END}"));
        assert_eq!(Recipe::parse(&recipe.to_toml(), "written").unwrap(), recipe);
    }
}

#[test]
fn errors_name_layer_and_line() {
    let first = "[[layer]]\nkind = \"conv\"\nchannels = 2\nkernel = 3\nactivation = \"relu\"\n\n";
    for (second, number_and_kind, line, complaint) in [
        ("outputs = 3", "layer 2 (dense, since it has no `kind`): ", 13, "missing field `activation`"),
        (
            "channels = 3",
            "layer 2 (dense, since it has no `kind`): ",
            14,
            "unknown field `channels`, expected one of `outputs`",
        ),
        ("kind = \"dense\"\nx = 1", "layer 2 (dense): ", 15, "unknown field `x`"),
        ("outputs = 3\nactivation = \"tanh\"", "layer 2 (dense, ", 15, "unknown variant `tanh`"),
        ("kind = \"conv\"\nkernel = 3\nactivation = \"relu\"", "layer 2 (conv): ", 13, "missing field `channels`"),
        ("kind = \"conv\"\nkernel = [3]", "layer 2 (conv): ", 15, "or two: [vertical, horizontal]"),
        (
            "kind = \"depthwise\"\nchannels = 3\nkernel = 3\nactivation = \"relu\"",
            "layer 2 (depthwise): ",
            13,
            "no `channels`",
        ),
        ("kind = \"max-pool\"\n", "layer 2 (max-pool): ", 13, "missing field `window`"),
        (
            "kind = \"max-pool\"\nkernel = 2",
            "layer 2 (max-pool): ",
            15,
            "expected one of `window`, `stride`, `padding`",
        ),
        ("kind = \"add\"\nfrom = -1", "layer 2 (add): ", 15, "invalid value: integer `-1`"),
        ("kind = \"cnv\"", "layer 2: ", 14, "unknown variant `cnv`, expected one of `conv`, `depthwise`"),
        ("kind = 3", "layer 2: ", 14, "wanted string"),
    ] {
        let got = read(&format!("{first}[[layer]]\n{second}")).unwrap_err();
        let place = format!("the recipe mine.toml is not understood: {number_and_kind}");
        assert!(got.starts_with(&place) && got.contains(&format!("TOML parse error at line {line},")), "{got}");
        assert!(got.contains(complaint), "{got}");
    }
    for (wrong, line, complaint) in [
        ("[layer]\n", 7, "expected a sequence"),
        (
            "[[layers]]\n",
            7,
            "expected one of `input_side`, `input_size`, `color`, `fit`, `training`, `layer`, `output`",
        ),
    ] {
        let got = read(wrong).unwrap_err();
        assert!(got.contains(&format!("TOML parse error at line {line},")) && got.contains(complaint), "{got}");
    }
    for not_tables in ["[3]", "[[3]]", "[[\"global-average\"]]", "[[3, \"relu\", 0.0, 0.0, 0.0, 8]]"] {
        let got = Recipe::parse(&format!("layer = {not_tables}\n{START}"), "mine.toml").unwrap_err().to_string();
        assert!(got.contains("TOML parse error at line 1,") && got.contains("expected a map"), "{got}");
    }
}
