//! Names that others chose reach the terminal escaped, and files exactly as they are.

use super::*;

/// Sets a color, then rings the bell.
const ESCAPE: &str = "\u{1b}[31m\u{7}";
const ESCAPED: &str = r"\u{1b}[31m\u{7}";
/// Reverses the letters after it.
const OVERRIDE: &str = "\u{202e}";

/// Asserts that a terminal would obey nothing but line feeds in an output, and that the names are in it, escaped.
fn assert_escaped(ran: &Ran, names: &[&str]) {
    let all = format!("{}{}", ran.stdout, ran.stderr);
    let obeyed = all.chars().find(|&c| (c.is_control() && c != '\n') || c == '\u{202e}');
    assert_eq!(obeyed, None, "{all:?}");
    for name in names {
        assert!(all.contains(name), "no {name:?} in:\n{all}");
    }
}

/// Files of other systems cannot have such names.
#[cfg(unix)]
#[test]
fn names_of_classes_and_files() {
    let temp = temporary();
    let (photos, out) = (temp.path().join("photos"), temp.path().join("run"));
    let class = format!("cat{ESCAPE}\nverdict   perfect");
    let escaped = format!(r"cat{ESCAPED}\nverdict   perfect");
    for number in 0..6 {
        photo(&photos.join(&class).join(format!("{number}.jpg")), 60, 30 + 10 * number);
        photo(&photos.join(format!("dog{OVERRIDE}")).join(format!("{number}{ESCAPE}.jpg")), 60, 180 + 10 * number);
    }
    let broken = photos.join(&class).join(format!("broken{ESCAPE}.jpg"));
    std::fs::write(&broken, "no photo").unwrap();
    let recipe: [&dyn AsRef<OsStr>; 5] = [&"--epochs", &"2", &"--recipe", &DEFAULT, &"--out"];
    let mut train: Vec<&dyn AsRef<OsStr>> = vec![&"train", &photos];
    train.extend(recipe);
    train.push(&out);
    let ran = run(&train).ok();
    assert_escaped(&ran, &[&escaped, r"dog\u{202e}", &format!("broken{ESCAPED}.jpg")]);
    let model = out.join(files::MODEL);
    let one = photos.join(format!("dog{OVERRIDE}")).join(format!("1{ESCAPE}.jpg"));
    let commands: [(&[&dyn AsRef<OsStr>], &str); 5] = [
        (&[&"evaluate", &out, &photos], &escaped),
        (&[&"classify", &model, &one], &format!("1{ESCAPED}.jpg")),
        (&[&"inspect", &model], &escaped),
        (&[&"inspect", &model, &"--board", &"pico"], &escaped),
        (&[&"simulate", &model, &one], &format!("1{ESCAPED}.jpg")),
    ];
    for (arguments, name) in commands {
        let ran = run(arguments);
        assert!(ran.code.is_some_and(|code| code < 2), "{}", ran.stderr);
        assert_escaped(&ran, &[name]);
    }
    // Errors, of the program and about its arguments.
    for arguments in [&[&"classify" as &dyn AsRef<OsStr>, &model, &broken][..], &[&"inspect", &broken, &broken]] {
        let ran = run(arguments);
        assert!(ran.code.is_some_and(|code| code > 0));
        assert_escaped(&ran, &[]);
    }
    assert_escaped(&run(&[&"classify", &model, &broken]), &[&format!("broken{ESCAPED}.jpg")]);
    // JSON has the names themselves.
    let contents = run(&[&"inspect", &model, &"--json"]).ok().json();
    assert_eq!(contents["classes"][0], class.as_str());
}

/// Arguments that are refused are quoted by clap, which has colors of its own. Without colors, escapes are removed anyway.
#[test]
fn arguments_that_are_refused() {
    let mut command = pinhole(["inspect", "a.pinhole", &format!("b{ESCAPE}")]);
    let ran = Ran::of(command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1"));
    assert_eq!(ran.code, Some(2), "{:?}", ran.stderr);
    assert!(!ran.stderr.contains(ESCAPE) && !ran.stderr.contains('\u{7}'), "{:?}", ran.stderr);
    assert!(ran.stderr.contains("unexpected argument 'b"), "{:?}", ran.stderr);
}

/// With colors, those of the program are shown, and those of a name are not.
#[cfg(unix)]
#[test]
fn colors_of_an_error_stay() {
    let mut command = pinhole(["inspect", &format!("missing{ESCAPE}.pinhole")]);
    let ran = Ran::of(command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1"));
    assert!(ran.stderr.contains('\u{1b}'), "no colors: {:?}", ran.stderr);
    assert!(ran.stderr.contains(ESCAPED) && !ran.stderr.contains(ESCAPE), "{:?}", ran.stderr);
}
