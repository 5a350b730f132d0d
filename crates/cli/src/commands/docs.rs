//! `specc docs`

use super::package;
use super::stored::GENERATED;
use crate::args::{Docs, Format};
use crate::output::{Folder, Own, Stage, Written, is_plain};
use crate::pipeline::{self, Compilation};
use crate::project::{self, Project};
use crate::report::{Failure, data, note, plural};
use rayon::prelude::*;
use specc_catalog::MARK;
use specc_diag::codes;
use specc_docs::{DocFile, Figures, Options};
use specc_site::Lost;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// The list of what was written into a folder that no build writes into, so that what nobody makes any more is removed.
const LIST: &str = "pages.txt";

/// Writes the pages of the spec, as Markdown or as a site, or says whether a folder has them.
pub fn run(args: &Docs, format: Format) -> Result<ExitCode, Failure> {
    let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let place = Place::of(args.out.as_deref(), &compilation)?;
    let pages = Pages::new(&compilation, &place, args.site)?;
    if args.check {
        return check(&place, args, pages, format);
    }
    let folder = Folder::take(&place.root, place.own.clone())?;
    let stage = Stage::new(&folder);
    let made = Mutex::new((BTreeSet::new(), Ok(())));
    let lost = pages.each_file(|file| {
        let added = stage.add(PathBuf::from(&file.path), file.contents);
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.1.is_ok() {
            made.1 = added;
        }
        made.0.insert(file.path);
    });
    let (made, added) = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    added?;
    if place.listed {
        let list = made.iter().fold(format!("# {MARK}\n"), |list, path| list + path + "\n");
        stage.add(PathBuf::from(LIST), list)?;
    }
    let written = stage.finish(&place.stale(&made))?;
    say(&place, &written, &lost, format);
    Ok(ExitCode::SUCCESS)
}

/// Where the guides lie in a folder that no build writes into.
const GUIDES: &str = "guides";

/// What is written: the pages, and the guides. Paths are relative to the folder that is committed into.
struct Pages<'a> {
    from: &'a Compilation,
    options: Options,
    /// What stands before the path of a page.
    docs: String,
    guides: Vec<DocFile>,
    site: bool,
}

impl<'a> Pages<'a> {
    fn new(from: &'a Compilation, place: &Place, site: bool) -> Result<Self, Failure> {
        let mut guides = Vec::new();
        if let Some(folder) = &place.guides {
            let migrations = package::migrations(&from.root.join(from.config.migrations()))?;
            guides = package::files(from, folder, &place.docs, migrations)?;
            let before = below(folder);
            guides.iter_mut().for_each(|file| file.path.insert_str(0, &before));
        }
        Ok(Self { from, options: package::options(from), docs: below(&place.docs), guides, site })
    }

    /// Makes the files; gives the links that lead nowhere.
    fn each_file(self, take: impl Fn(DocFile) + Sync) -> Vec<Lost> {
        let Self { from, options, docs, guides, site } = &self;
        if !site {
            specc_docs::each_file(&from.model, &from.catalog, options, |mut file| {
                file.path.insert_str(0, docs);
                take(file);
            });
            self.guides.into_par_iter().for_each(&take);
            return Vec::new();
        }
        // A site is never written among what builds write.
        let mut book = specc_docs::generate(&from.model, &from.catalog, options);
        book.extend(guides.iter().cloned());
        let figures = Figures::new(&from.model, &from.catalog, options);
        specc_site::each_file(&from.config.name, &book, &figures, take)
    }
}

/// A folder's path before that of a file in it.
fn below(folder: &Path) -> String {
    let text = project::slashes(folder);
    if text.is_empty() { text } else { text + "/" }
}

/// Where the files go.
struct Place {
    /// The folder that is locked and committed into.
    root: PathBuf,
    own: Own,
    /// The folder of the pages, below it.
    docs: PathBuf,
    /// The folder of the guides, below it, if there are any.
    guides: Option<PathBuf>,
    /// The folder has a list of its own; into the other one builds write, who have theirs.
    listed: bool,
    /// What was written there before, relative to `root`.
    before: Vec<String>,
}

impl Place {
    /// The folder that is asked for, or those that builds write their pages and guides into.
    fn of(out: Option<&Path>, compilation: &Compilation) -> Result<Self, Failure> {
        let (root, config) = (&compilation.root, &compilation.config);
        let (list, docs, guides) = match out {
            Some(out) => (out.join(LIST), PathBuf::new(), Some(PathBuf::from(GUIDES))),
            None => (root.join(config.state()).join(GENERATED), config.docs(), config.guides()),
        };
        let text = match project::text(&list) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::broken(format!("cannot read {}: {error}", list.display())));
            }
            text => text.unwrap_or_default(),
        };
        // What other parts of a build write may lie below the folder of the pages.
        let is_here = |folder: &PathBuf| *folder == docs || Some(folder) == guides.as_ref();
        let others: Vec<PathBuf> = config.generated().into_iter().filter(|folder| !is_here(folder)).collect();
        let own = |line: &&str| {
            let path = Path::new(line);
            let here = path.starts_with(&docs) || guides.as_ref().is_some_and(|guides| path.starts_with(guides));
            !line.starts_with('#') && (out.is_some() || here && !others.iter().any(|other| path.starts_with(other)))
        };
        let before = text.lines().filter(own).map(str::to_owned).collect();
        Ok(Self {
            root: out.unwrap_or(root).to_path_buf(),
            own: if out.is_some() { Own::whole() } else { Own::of(config) },
            docs,
            guides,
            listed: out.is_some(),
            before,
        })
    }

    /// What was written before and is not made any more.
    fn stale(&self, made: &BTreeSet<String>) -> Vec<PathBuf> {
        let gone = self.before.iter().filter(|path| !made.contains(*path));
        gone.map(PathBuf::from).filter(|path| path.components().all(is_plain)).collect()
    }

    /// The folders, for a message, and its verb.
    fn shown(&self) -> (String, &'static str) {
        // Joining with nothing would leave a slash at the end.
        let whole = |folder: &Path| self.root.components().chain(folder.components()).collect::<PathBuf>();
        let beside = self.guides.iter().filter(|guides| !guides.starts_with(&self.docs));
        let docs = whole(&self.docs).display().to_string();
        match beside.map(|guides| whole(guides)).next() {
            Some(guides) => (format!("{docs} and {}", guides.display()), "are"),
            None => (docs, "is"),
        }
    }
}

fn say(place: &Place, written: &Written, lost: &[Lost], format: Format) {
    if format == Format::Json {
        let paths = |list: &[PathBuf]| list.iter().map(|path| project::slashes(path)).collect::<Vec<_>>();
        let lost: Vec<_> =
            lost.iter().map(|lost| serde_json::json!({ "page": lost.page, "target": lost.target })).collect();
        let said = serde_json::json!({
            "out": place.root.to_string_lossy(), "unchanged": written.unchanged, "written": paths(&written.changed),
            "removed": paths(&written.removed), "lost": lost,
        });
        return data(&said.to_string());
    }
    for lost in lost {
        note(&format!("warning: {}: a link leads nowhere: {}", lost.page, lost.target.escape_debug()));
    }
    eprintln!(
        "wrote {} to {}, {} as before, {} removed",
        plural(written.changed.len(), "file"),
        place.shown().0,
        written.unchanged,
        written.removed.len()
    );
}

/// Files that are named where a folder has not what it should.
const MOST: usize = 10;

/// Says whether the folder has what would be written.
fn check(place: &Place, args: &Docs, pages: Pages<'_>, format: Format) -> Result<ExitCode, Failure> {
    let (folder, is) = place.shown();
    let found = Mutex::new((BTreeSet::new(), Vec::new()));
    pages.each_file(|file| {
        let why = match project::bytes(&place.root.join(&file.path)) {
            Ok(there) if there == file.contents.as_bytes() => None,
            Ok(there) => Some(format!("differs from line {}", line(&there, file.contents.as_bytes()))),
            Err(_) => Some("is missing".to_owned()),
        };
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.1.extend(why.map(|why| (file.path.clone(), why)));
        found.0.insert(file.path);
    });
    let (made, mut wrong) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let stale = place.stale(&made).into_iter().filter(|path| place.root.join(path).is_file());
    wrong.extend(stale.map(|path| (project::slashes(&path), "is of something that is gone".to_owned())));
    wrong.sort();
    if wrong.is_empty() {
        match format {
            Format::Json => data(&serde_json::json!({ "differs": false }).to_string()),
            Format::Text => eprintln!("{folder} {is} as the schema says"),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let lines: String = wrong.iter().take(MOST).map(|(path, why)| format!("\n  {path} {why}")).collect();
    let more = wrong.len().checked_sub(MOST).filter(|more| *more > 0);
    let more = more.map(|more| format!("\n  and {} more", plural(more, "file"))).unwrap_or_default();
    let site = if args.site { " --site" } else { "" };
    let out = args.out.as_ref().map(|out| format!(" -o {}", out.display())).unwrap_or_default();
    let text = format!(
        "{folder} {is} not what the schema says now{lines}{more}\n  help: write it anew: `specc docs{site}{out}`"
    );
    Err(Failure::Refused(Some(codes::DOCS_DIFFER), text))
}

/// The first line in which two texts differ.
fn line(a: &[u8], b: &[u8]) -> usize {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b);
    same.filter(|(byte, _)| **byte == b'\n').count() + 1
}
