//! A project on disk: its folder, its settings, its spec files.

use crate::config::Config;
use crate::report::Failure;
use rayon::prelude::*;
use specc_diag::{Diagnostic, Sources, Span, codes};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The name of the file that makes a folder a project.
pub const CONFIG: &str = "specc.toml";

/// A project and the texts of its files.
pub struct Project {
    /// The folder that has the `specc.toml`.
    pub root: PathBuf,
    pub config: Config,
    /// `specc.toml` first, then the spec files in order of their names.
    pub sources: Sources,
    /// Paths of the spec files, in the same order.
    pub files: Vec<PathBuf>,
}

impl Project {
    /// Finds and reads the project that `start` lies in.
    ///
    /// # Errors
    /// [`Failure::Broken`] where there is no project or a file cannot be read, [`Failure::Findings`] where settings are
    /// wrong or a file is not text.
    pub fn open(start: &Path) -> Result<Self, Failure> {
        let root = find(start)?;
        let mut sources = Sources::new();
        let text = read(&root.join(CONFIG))?;
        let text = String::from_utf8(text).map_err(|_| Failure::broken(format!("{CONFIG} is not UTF-8")))?;
        let id = sources.add(CONFIG, text);
        let config = match Config::parse(id, &sources.file(id).text) {
            Ok(config) => config,
            Err(finding) => return Err(wrong(finding, sources)),
        };
        let (files, texts) = spec_files(&root, &config)?;
        let mut findings = Vec::new();
        for (path, bytes) in files.iter().zip(texts) {
            let name = slashes(path.strip_prefix(&root).unwrap_or(path));
            match String::from_utf8(bytes) {
                Ok(text) => {
                    sources.add(name, text);
                }
                Err(error) => {
                    let good = error.utf8_error().valid_up_to();
                    let text = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
                    let id = sources.add(name.clone(), text);
                    let span = Span::new(id, good, good);
                    findings.push(
                        Diagnostic::new(codes::FILE_NOT_UTF8, span, format!("`{name}` is not UTF-8 from here on"))
                            .help("save the file as UTF-8"),
                    );
                }
            }
        }
        if files.is_empty() {
            let text = &sources.file(id).text;
            let at = text.find("specs").unwrap_or(0);
            let span = Span::new(id, at, at + if text.contains("specs") { 5 } else { 0 });
            let globs = config.specs.join("`, `");
            findings.push(
                Diagnostic::new(codes::NO_SPECS, span, format!("no file matches `{globs}`"))
                    .help("write a `.dbspec` file, or say where they are: `specs = [\"schema/**/*.dbspec\"]`"),
            );
        }
        if findings.is_empty() {
            Ok(Self { root, config, sources, files })
        } else {
            Err(Failure::Findings(findings, sources))
        }
    }
}

impl Project {
    /// A project that is in no folder: its settings, and paths and texts of its files.
    ///
    /// # Errors
    /// [`Failure::Findings`] where settings are wrong.
    pub fn of(toml: String, files: Vec<(String, String)>) -> Result<Self, Failure> {
        let mut sources = Sources::new();
        let id = sources.add(CONFIG, toml);
        let config = match Config::parse(id, &sources.file(id).text) {
            Ok(config) => config,
            Err(finding) => return Err(wrong(finding, sources)),
        };
        let paths = files.iter().map(|(path, _)| PathBuf::from(path)).collect();
        for (path, text) in files {
            sources.add(path, text);
        }
        Ok(Self { root: PathBuf::new(), config, sources, files: paths })
    }
}

/// The folder and the settings of the project that `start` lies in, for what needs no spec.
///
/// # Errors
/// As [`Project::open`].
pub fn settings(start: &Path) -> Result<(PathBuf, Config), Failure> {
    let root = find(start)?;
    let text = String::from_utf8(read(&root.join(CONFIG))?);
    let text = text.map_err(|_| Failure::broken(format!("{CONFIG} is not UTF-8")))?;
    let mut sources = Sources::new();
    let id = sources.add(CONFIG, text);
    match Config::parse(id, &sources.file(id).text) {
        Ok(config) => Ok((root, config)),
        Err(finding) => Err(wrong(finding, sources)),
    }
}

/// Settings that are wrong, as they are shown: without what is secret in them.
fn wrong(finding: Diagnostic, sources: Sources) -> Failure {
    if finding.code != codes::SECRET_IN_SETTINGS {
        return Failure::Findings(vec![finding], sources);
    }
    let mut shown = Sources::new();
    let hidden =
        |line: &str| match line.find("database_url").and_then(|at| line[at..].find('=').map(|sign| at + sign + 1)) {
            Some(at) => line[..at].to_owned() + &line[at..].replace(|c: char| c.is_ascii_graphic(), "*"),
            None => line.to_owned(),
        };
    for (_, file) in sources.iter() {
        shown.add(file.name.clone(), file.text.split_inclusive('\n').map(hidden).collect::<String>());
    }
    Failure::Findings(vec![finding], shown)
}

fn find(start: &Path) -> Result<PathBuf, Failure> {
    let start =
        start.canonicalize().map_err(|error| Failure::broken(format!("cannot open {}: {error}", start.display())))?;
    let found = start.ancestors().find(|dir| dir.join(CONFIG).is_file());
    found.map(Path::to_path_buf).ok_or_else(|| {
        Failure::broken(format!("no {CONFIG} in {} or above it; `specc init` makes a project", start.display()))
    })
}

/// The longest file that is read, in bytes: a hundred times a long spec.
const LONGEST: u64 = 16 << 20;

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(Failure::broken(format!("cannot read {}: {error}", path.display()))),
        Ok(length) if length as u64 > LONGEST => {
            let path = path.display();
            let message = format!("cannot read {path}: longer than {} MB; split it into several files", LONGEST >> 20);
            Err(Failure::broken(message))
        }
        Ok(_) => Ok(bytes),
    }
}

/// The bytes of a file that lies in a project: a pipe or a device, which whoever wrote the project may have put there, has no end.
///
/// # Errors
/// As the system says, and where it is not an ordinary file.
pub fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(std::io::Error::other("it is not an ordinary file; put the file itself into the project"));
    }
    std::fs::read(path)
}

/// [`bytes`] as text.
///
/// # Errors
/// As [`bytes`], and where it is not UTF-8.
pub fn text(path: &Path) -> std::io::Result<String> {
    let wrong = |_| std::io::Error::new(std::io::ErrorKind::InvalidData, "stream did not contain valid UTF-8");
    String::from_utf8(bytes(path)?).map_err(wrong)
}

/// A path with `/` between its parts, as stored files and git write it.
pub fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// The paths in a folder, in the order of their names; none where it is not there.
///
/// # Errors
/// Where it cannot be read.
pub fn listed(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| Failure::broken(format!("cannot read {}: {error}", folder.display()));
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().map_err(unreadable)?;
    paths.sort_unstable();
    Ok(paths)
}

/// The spec files in order of their names, and their bytes.
fn spec_files(root: &Path, config: &Config) -> Result<(Vec<PathBuf>, Vec<Vec<u8>>), Failure> {
    let mut globs = globset::GlobSetBuilder::new();
    for pattern in &config.specs {
        let glob = globset::GlobBuilder::new(pattern).literal_separator(true).build();
        globs.add(glob.map_err(|error| Failure::broken(format!("specs in {CONFIG}: {error}")))?);
    }
    let globs = globs.build().map_err(|error| Failure::broken(format!("specs in {CONFIG}: {error}")))?;
    let mut files = Vec::new();
    let visible =
        |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    for entry in walkdir::WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(visible) {
        let entry = entry.map_err(|error| Failure::broken(format!("cannot list the spec files: {error}")))?;
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        if entry.file_type().is_dir() || !globs.is_match(relative) {
            continue;
        }
        if !entry.file_type().is_file() {
            let message =
                format!("{} is not an ordinary file; put the file itself into the project", relative.display());
            return Err(Failure::broken(message));
        }
        files.push(entry.into_path());
    }
    let texts = files.par_iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    Ok((files, texts))
}
