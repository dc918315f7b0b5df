//! Builds the map of `web/` with npm into `OUT_DIR`, and lists its files for the program to embed. Without npm the
//! program is built without the map, and its `/` explains how to get it; `HOTSPOTS_WEB=require` makes a missing npm an
//! error, `HOTSPOTS_WEB=skip` omits the map.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// The files that the page is built from; the `node_modules` and `dist` of a developer are not among them.
const SOURCES: [&str; 9] = [
    ".npmrc",
    "compress.mjs",
    "index.html",
    "package-lock.json",
    "package.json",
    "public",
    "src",
    "tsconfig.json",
    "vite.config.ts",
];

fn main() -> io::Result<()> {
    let from = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("web");
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HOTSPOTS_WEB");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", from.join(source).display());
    }
    let dist = out.join("dist");
    let wanted = env::var("HOTSPOTS_WEB");
    let wanted = wanted.as_deref();
    let built = match wanted {
        Ok("skip") => Err("HOTSPOTS_WEB=skip was set".to_owned()),
        _ => build(&from, &out.join("web"), &dist),
    };
    if let Err(why) = &built {
        if wanted == Ok("require") {
            return Err(io::Error::other(format!("the map cannot be built: {why}")));
        }
        println!("cargo::warning=built without the map: {why}");
        if wanted != Ok("skip") {
            // A file that never is: the next build tries again.
            println!("cargo::rerun-if-changed={}", out.join("never").display());
        }
    }
    let files = if built.is_ok() { listed(&dist)? } else { Vec::new() };
    fs::write(out.join("web.rs"), table(&files))
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|_| io::Error::other(format!("cargo sets no {name}")))
}

/// Copies the sources to where npm may write, and lets it.
fn build(from: &Path, work: &Path, dist: &Path) -> Result<(), String> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| format!("{what}: {error}")
    };
    fs::create_dir_all(work).map_err(failed("a directory for the map"))?;
    for source in SOURCES {
        copy(&from.join(source), &work.join(source)).map_err(failed(source))?;
    }
    // Installing is the slow half: it is done again when what is wanted has changed.
    let wanted = fs::read(work.join("package-lock.json")).map_err(failed("package-lock.json"))?;
    let installed = work.join("node_modules").join(".installed");
    if fs::read(&installed).ok().as_ref() != Some(&wanted) {
        npm(work, dist, &["ci", "--omit=dev", "--no-audit", "--no-fund"])?;
        fs::write(&installed, &wanted).map_err(failed("node_modules"))?;
    }
    npm(work, dist, &["run", "build"])
}

fn npm(work: &Path, dist: &Path, args: &[&str]) -> Result<(), String> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(program)
        .args(args)
        .current_dir(work)
        .env("HOTSPOTS_WEB_OUT", dist)
        .output()
        .map_err(|error| format!("npm cannot be run ({error}); it comes with Node.js 20.19 or newer"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // npm prints its message before the place in its own programs, so the first lines are kept.
    let wrong = said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("at "));
    let first: Vec<&str> = wrong.take(8).collect();
    Err(format!("npm {} failed: {}", args.join(" "), first.join(" | ")))
}

/// Makes `to` the same as `from`, a file or a directory with all in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        if to.exists() {
            fs::remove_dir_all(to)?;
        }
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        Ok(())
    } else {
        fs::copy(from, to).map(drop)
    }
}

/// Returns the files below a directory, by their path from it, sorted.
fn listed(root: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension() != Some(OsStr::new("br")) {
                let name = path.strip_prefix(root).map_err(io::Error::other)?;
                found.push((name.to_string_lossy().replace('\\', "/"), path));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the files as a table in Rust: name, bytes, bytes compressed with Brotli.
fn table(files: &[(String, PathBuf)]) -> String {
    let mut text = String::from("pub(crate) static FILES: &[(&str, &[u8], &[u8])] = &[\n");
    for (name, path) in files {
        let path = path.display().to_string();
        let packed = format!("{path}.br");
        let _ = writeln!(text, "    ({name:?}, include_bytes!({path:?}), include_bytes!({packed:?})),");
    }
    text.push_str("];\n");
    text
}
