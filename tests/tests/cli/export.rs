//! Export of models for other tools, and import of their models.

use std::process::Command;

use pinhole_tests::skipped;

use super::*;

/// Returns a C program that includes the header, and fails unless everything in it equals the model.
fn checker(model: &[u8], classes: &[&str]) -> String {
    let sum: u64 = model.iter().map(|&byte| u64::from(byte)).sum();
    let names = classes.iter().enumerate().map(|(index, name)| {
        let bytes: Vec<String> = name.bytes().chain([0]).map(|byte| byte.to_string()).collect();
        let bytes = bytes.join(", ");
        format!(
            "{{ const unsigned char name[] = {{ {bytes} }};\n\
             if (strcmp(pinhole_model_class_names[{index}], (const char *)name)) return 4; }}\n"
        )
    });
    format!(
        "#include \"model.h\"\n#include \"model.h\"\n#include <string.h>\n\
         int main(void) {{\n\
         unsigned long long sum = 0;\n\
         for (unsigned i = 0; i < sizeof pinhole_model; i++) sum += pinhole_model[i];\n\
         if (sizeof pinhole_model != {} || PINHOLE_MODEL_BYTES != {}) return 1;\n\
         if (sum != {sum}ull || (uintptr_t)pinhole_model % 16) return 2;\n\
         if (PINHOLE_MODEL_CLASSES != {} || PINHOLE_MODEL_INPUT_SIDE != 50) return 3;\n{}\
         return PINHOLE_MODEL_CHECKSUM == 0x{:08x}u ? 0 : 5;\n}}\n",
        model.len(),
        model.len(),
        classes.len(),
        names.collect::<String>(),
        ModelFile::from_bytes(model).unwrap().model().checksum()
    )
}

/// Compiles and runs it, as C and as C++; reports a missing compiler.
fn compiles(folder: &Path, program: &str) {
    for (compiler, name, standard) in [("cc", "main.c", "-std=c11"), ("c++", "main.cc", "-std=c++11")] {
        std::fs::write(folder.join(name), program).unwrap();
        let binary = folder.join("checker");
        let mut compile = Command::new(compiler);
        compile.args([standard, "-Wall", "-Werror", "-pedantic-errors", "-o"]).arg(&binary).arg(folder.join(name));
        match compile.output() {
            Ok(done) => assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr)),
            // Rust itself links with cc on these systems, so it is present.
            Err(error) if compiler == "cc" && cfg!(unix) => panic!("{compiler}: {error}"),
            Err(error) => {
                skipped(&format!("no {compiler} ({error}): the header is not compiled by it"));
                continue;
            }
        }
        assert_eq!(Command::new(&binary).status().unwrap().code(), Some(0), "{compiler}");
        std::fs::remove_file(&binary).unwrap();
    }
}

#[test]
fn a_c_header_holds_the_model() {
    let (temp, model) = (temporary(), bundled_model());
    let out = temp.path().join("model.h");
    let told = run(&[&"export", &model, &"--out", &out]).ok().stdout;
    let header = std::fs::read(&out).unwrap();
    assert_eq!(told, format!("{}: {} bytes\n", out.display(), header.len()));
    compiles(temp.path(), &checker(&std::fs::read(&model).unwrap(), &["chihuahua", "muffin"]));

    // Over itself, whatever the file's name: the same bytes.
    let again = temp.path().join("again");
    run(&[&"export", &model, &again, &"--to", &"c-header"]).ok();
    let told = run(&[&"export", &model, &again, &"--to", &"c-header", &"--json"]).ok().json();
    assert_eq!((&told["bytes"], &told["out"]), (&header.len().into(), &again.to_str().unwrap().into()));
    assert!(std::fs::read(&again).unwrap() == header);

    // Packed for a board: the bytes that `pack` writes.
    let packed = temp.path().join("packed.bin");
    run(&[&"pack", &model, &"--board", &"pico", &"--out", &packed]).ok();
    run(&[&"export", &model, &out, &"--board", &"pico"]).ok();
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.contains("packed for the board pico"), "{}", &text[..300]);
    let bytes = text.split_once("pinhole_model[PINHOLE_MODEL_BYTES] = {").unwrap().1;
    let bytes = bytes.split_once('}').unwrap().0.split(',').map(str::trim).filter(|byte| !byte.is_empty());
    let bytes: Vec<u8> = bytes.map(|byte| byte.parse().unwrap()).collect();
    assert!(bytes == std::fs::read(&packed).unwrap());
}

/// A class name that C could misread: quotes, a trigraph, letters beyond ASCII, and a digit after an escape.
#[test]
fn an_odd_class_name_in_c() {
    let temp = temporary();
    let name = "\"\u{e9}\"??/\t7";
    let mut bytes = std::fs::read(bundled_model()).unwrap();
    let at = bytes.windows(9).position(|window| window == b"chihuahua").unwrap();
    bytes[at..at + 9].copy_from_slice(name.as_bytes());
    seal(&mut bytes);
    let model = temp.path().join("odd.pinhole");
    std::fs::write(&model, &bytes).unwrap();
    run(&[&"export", &model, &temp.path().join("model.h")]).ok();
    compiles(temp.path(), &checker(&bytes, &[name, "muffin"]));
}

#[test]
fn tensorflow_lite() {
    let (temp, run_folder) = (temporary(), run_folder());
    let out = temp.path().join("model.TFLITE");
    let ran = run(&[&"export", &run_folder.path(), &out]).ok();
    let file = std::fs::read(&out).unwrap();
    assert_eq!(ran.stdout, format!("{}: {} bytes\n", out.display(), file.len()));
    assert!(
        ran.stderr.contains("rounds differently from the device") && ran.stderr.contains("tflite_agreement.py"),
        "{}",
        ran.stderr
    );
    assert_eq!(&file[4..8], b"TFL3");
    assert!(file.len() > 2500 * 128 + 128 * 16 + 16 * 2);
    let other = temp.path().join("other");
    run(&[&"export", &run_folder.path().join(files::MODEL), &other, &"--to", &"tflite"]).ok();
    assert!(std::fs::read(&other).unwrap() == file);
    // With photos, the logits become no coarser, in the same number of bytes.
    run(&[&"export", &run_folder.path(), &synthetic("train"), &"--out", &other, &"--to", &"tflite"]).ok();
    assert_eq!(std::fs::read(&other).unwrap().len(), file.len());
    let header = temp.path().join("model.h");
    let words: [&dyn AsRef<OsStr>; 1] = [&"leave out the photos"];
    refused(temp.path(), &[&"export", &run_folder.path(), &header, &"--photos", &synthetic("train")], &words);
    let words: [&dyn AsRef<OsStr>; 2] = [&"board qemu", &"leave out --board"];
    refused(temp.path(), &[&"export", &run_folder.path(), &out, &"--board", &"qemu"], &words);
}

#[test]
fn exports_gone_wrong() {
    let (temp, model) = (temporary(), bundled_model());
    for name in ["model.onnx", "model", ".h"] {
        let out = temp.path().join(name);
        refused(temp.path(), &[&"export", &model, &out], &[&out, &".tflite"]);
    }
    let missing = temp.path().join("no/such/folder/model.h");
    refused(temp.path(), &[&"export", &model, &missing], &[&missing]);
    // Files that were not exported are kept, especially the model itself.
    let (header, own) = (temp.path().join("my.h"), temp.path().join("own.pinhole"));
    std::fs::write(&header, "#pragma once\n").unwrap();
    std::fs::copy(&model, &own).unwrap();
    refused(temp.path(), &[&"export", &model, &header], &[&header, &"kept"]);
    refused(temp.path(), &[&"export", &own, &own, &"--to", &"tflite"], &[&own, &"kept"]);
    std::fs::write(&header, "").unwrap();
    run(&[&"export", &model, &header]).ok();
    refused(temp.path(), &[&"export", &model, &header, &"--to", &"tflite"], &[&header, &"kept"]);
    let folder = temp.path().join("folder.h");
    std::fs::create_dir(&folder).unwrap();
    refused(temp.path(), &[&"export", &model, &folder], &[&folder]);
}

#[test]
fn import_of_an_export_and_of_tensorflow() {
    let temp = temporary();
    let [file, out] = ["model.tflite", "back.pinhole"].map(|name| temp.path().join(name));
    run(&[&"export", &bundled_model(), &file]).ok();
    let told = run(&[&"import", &file, &"--out", &out]).ok().stdout;
    let bytes = std::fs::read(&out).unwrap();
    let model = ModelFile::from_bytes(&bytes).unwrap();
    assert!(told.contains(&format!("{} bytes", bytes.len())) && told.contains("chihuahua, muffin"), "{told}");
    // The same decisions on synthetic pictures.
    let decided = |model: &Path| {
        let photos = run(&[&"classify", &"--json", &model, &synthetic("validation")]).ok().json();
        photos.as_array().unwrap().iter().map(|photo| photo["class"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(decided(&out), decided(&bundled_model()));
    assert_eq!(model.model().input().side(), Some(50));

    let keras = repository().join("tests/golden/keras.tflite");
    let told = run(&[&"import", &keras, &out, &"--classes", &"cat,dog,bird", &"--json"]).ok().json();
    assert_eq!(told["classes"], serde_json::json!(["bird", "cat", "dog"]));
    assert_eq!(told["layers"].as_array().unwrap().len(), 10);
    run(&[&"inspect", &out]).ok();
}

#[test]
fn imports_gone_wrong() {
    let (temp, keras) = (temporary(), repository().join("tests/golden/keras.tflite"));
    let [out, other] = ["out.pinhole", "other"].map(|name| temp.path().join(name));
    refused(temp.path(), &[&"import", &other, &out], &[&other, &".tflite"]);
    refused(temp.path(), &[&"import", &bundled_model(), &out], &[&bundled_model(), &"not a TensorFlow Lite file"]);
    refused(temp.path(), &[&"import", &keras, &out, &"--classes", &"a,b"], &[&keras, &"3 classes", &"--classes"]);
    let bytes = std::fs::read(&keras).unwrap();
    std::fs::write(&other, &bytes[..bytes.len() / 2]).unwrap();
    refused(temp.path(), &[&"import", &other, &out], &[&other, &"damaged"]);
    // A file that is not a model is kept.
    std::fs::write(&out, "mine").unwrap();
    refused(temp.path(), &[&"import", &keras, &out], &[&out]);
    assert_eq!(std::fs::read(&out).unwrap(), b"mine");
}
