//! Tests of the whole grammar: properties of every command.

use std::any::TypeId;

use clap::builder::ValueParser;

use super::*;

/// Returns every visible command; the program itself comes first.
fn commands() -> Vec<clap::Command> {
    let whole = command().disable_help_subcommand(true);
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    [whole.clone()].into_iter().chain(shown).collect()
}

#[test]
fn the_grammar_is_sound() {
    command().debug_assert();
}

/// Every help has at least two examples, and each example is a valid command.
#[test]
fn examples_are_commands_that_work() {
    for of in commands() {
        let name = of.get_name();
        let text = of.get_after_help().unwrap_or_else(|| panic!("the help of {name} has no examples")).to_string();
        let examples: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        assert!(examples.len() >= 2, "{name}: {text}");
        for example in examples {
            let command = example.split(['>', '#', '|']).next().unwrap_or_default();
            let arguments = command.split_whitespace().map(OsString::from);
            let parsed = parse(arguments);
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            assert!(
                example
                    .starts_with(if name == NAME { "pinhole ".to_owned() } else { format!("pinhole {name}") }.as_str()),
                "{example}"
            );
        }
    }
}

/// Every option that takes a number refuses words and negative numbers, with a message about that option's value.
#[test]
fn what_is_no_number_is_refused_in_words() {
    let is = |parser: &ValueParser, types: &[TypeId]| types.iter().any(|id| parser.type_id() == *id);
    let numbers = [
        TypeId::of::<u8>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
        TypeId::of::<f32>(),
        TypeId::of::<f64>(),
    ];
    let mut count = 0;
    for of in commands() {
        for option in of.get_arguments().filter(|arg| is(arg.get_value_parser(), &numbers)) {
            let Some(long) = option.get_long().filter(|_| option.get_action().takes_values()) else { continue };
            let is_whole = !is(option.get_value_parser(), &[TypeId::of::<f32>(), TypeId::of::<f64>()]);
            let too_large = is_whole.then_some("99999999999999999999999999");
            for wrong in ["ten", "-1"].into_iter().chain(too_large) {
                let arguments = ["pinhole", of.get_name(), &format!("--{long}"), wrong].map(OsString::from);
                let Err(error) = parse(arguments) else { panic!("{} --{long} {wrong} is taken", of.get_name()) };
                let said = error.to_string();
                let head = format!("invalid value '{wrong}' for '--{long}");
                assert!(said.contains(&head), "{} --{long} {wrong}: {said}", of.get_name());
                for riddle in ["invalid digit", "-- -", "not in ..", "number too large to fit", "invalid float"] {
                    assert!(!said.contains(riddle), "{} --{long} {wrong}: {said}", of.get_name());
                }
            }
            count += 1;
        }
    }
    assert!(count >= 20, "only {count} options take numbers");
}

/// Every help uses the same word for the same thing.
#[test]
fn help_uses_the_standard_words() {
    for mut of in commands() {
        let text = of.render_long_help().to_string();
        for word in ["ships", "drawn pictures", "decides the same", "say,"] {
            assert!(!text.contains(word), "{}: {word:?} in:\n{text}", of.get_name());
        }
    }
}

/// Every photo argument that can be a large number of photos has a limit.
#[test]
fn photos_can_be_limited_wherever_they_are_looked_at() {
    for name in ["quantize", "evaluate", "classify", "explain", "export", "simulate", "prove", "capture", "watch"] {
        let whole = command();
        let of = whole.find_subcommand(name).unwrap();
        assert!(of.get_arguments().any(|arg| arg.get_long() == Some("limit")), "{name}");
    }
}

/// Arguments of existing scripts are still understood.
#[test]
fn earlier_spellings_are_understood() {
    for line in [
        "train photos --validation others --recipe conv-50 --seed 3 --epochs 5 --out run --json",
        "evaluate run photos --json",
        "classify a.jpg",
        "classify run/model.pinhole a.jpg --json --pixels",
        "prove run photos --json",
        "prove --photos photos --limit 3",
        "simulate --photos a.jpg --photos b.jpg",
        "watch run --photos photos",
        "draw pictures --seed 5 --train 2 --validation 1",
        "export run model.h",
        "export run model.tflite --photos photos --to tflite",
        "import net.tflite net.pinhole --classes a,b",
        "capture seen --label muffin --photos a.jpg --model drawn",
        "quantize run photos --weights 4,8,8 --activations 8",
    ] {
        let arguments = [NAME].into_iter().chain(line.split(' ')).map(OsString::from);
        assert!(parse(arguments).is_ok(), "{line}");
    }
}
