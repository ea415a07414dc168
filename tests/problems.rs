//! The worked problems, in a hurry: each is solved with numbers that are finite, and writes its pictures.

use std::process::Command;

fn problems(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--example", "problems", "--"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo is there")
}

#[test]
fn every_problem_is_solved() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let list = String::from_utf8(problems(&[]).stdout).expect("text");
    let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names.len(), 27, "{list}");

    let output = problems(&["all", "--quick", "--out", &folder.path().to_string_lossy()]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("NaN"), "{text}");
    for name in names {
        let picture = std::fs::read(folder.path().join(format!("{name}.png"))).expect(name);
        assert_eq!(picture[1..4], *b"PNG", "{name}");
    }
}

#[test]
fn unknown_names_and_options_are_refused() {
    let unknown = problems(&["denoise"]);
    assert!(!unknown.status.success());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no problem `denoise`"));
    let option = problems(&["--slow"]);
    assert!(!option.status.success());
    assert!(String::from_utf8_lossy(&option.stderr).contains("there is no option `--slow`"));
}
