//! The files of a front end, and what one takes from another.

use crate::scope::Names;
use crate::script;
use crate::syntax::{NodeId, Tree};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{FileId, Sources, Span};

/// Code of a file: all of it, or a `<script>` block.
pub(crate) struct Unit<'t> {
    pub file: FileId,
    text: &'t str,
    pub tree: Tree,
    pub names: Names,
}

impl Unit<'_> {
    /// What is written there.
    pub(crate) fn text(&self, id: NodeId) -> &str {
        let node = self.tree.node(id);
        self.text.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// Where it is written.
    pub(crate) fn span(&self, id: NodeId) -> Span {
        let node = self.tree.node(id);
        Span { file: self.file, start: node.start, end: node.end }
    }
}

/// All of it.
pub(crate) struct Project<'t> {
    sources: &'t Sources,
    pub units: Vec<Unit<'t>>,
    /// By path without extension; a folder stands for its `index`.
    stems: FxHashMap<SmolStr, usize>,
    /// The same by the last part of the path.
    ends: FxHashMap<SmolStr, Vec<SmolStr>>,
    /// What could not be parsed: places, and files to whose end the parser did not come.
    pub broken: Vec<Span>,
    pub endless: Vec<FileId>,
}

impl<'t> Project<'t> {
    pub(crate) fn new(sources: &'t Sources) -> Self {
        let mut project = Self {
            sources,
            units: Vec::new(),
            stems: FxHashMap::default(),
            ends: FxHashMap::default(),
            broken: Vec::new(),
            endless: Vec::new(),
        };
        for (file, source) in sources.iter() {
            for (offset, part, dialect) in script::parts(&source.name, &source.text) {
                let Some(tree) = Tree::parse(part, dialect, offset as u32) else {
                    project.endless.push(file);
                    continue;
                };
                // One is enough: what follows is mostly of the same fault.
                project.broken.extend(tree.errors.first().map(|(start, end)| Span { file, start: *start, end: *end }));
                let text: &'t str = &source.text;
                let cut = |id: NodeId| {
                    let node = tree.node(id);
                    text.get(node.start as usize..node.end as usize).unwrap_or_default()
                };
                let names = Names::of(&tree, &cut);
                project.units.push(Unit { file, text, tree, names });
                project.named(&source.name);
            }
        }
        project
    }

    /// The name of a file.
    pub(crate) fn name(&self, file: FileId) -> &'t str {
        &self.sources.file(file).name
    }

    /// Notes the paths under which the last unit is found. Of several blocks in a file, the first counts.
    fn named(&mut self, name: &str) {
        let at = self.units.len() - 1;
        let stem = stem(name);
        for stem in [Some(stem), stem.strip_suffix("/index")].into_iter().flatten() {
            if !self.stems.contains_key(stem) {
                self.stems.insert(stem.into(), at);
                let end = stem.rsplit('/').next().unwrap_or(stem);
                self.ends.entry(end.into()).or_default().push(stem.into());
            }
        }
    }

    /// The unit that an import of `source` in `from` means; none for a package and for what is not here.
    pub(crate) fn resolve(&self, from: &str, source: &str) -> Option<usize> {
        if source.starts_with('.') {
            return self.stems.get(joined(from, source)?.as_str()).copied();
        }
        let path = stem(source);
        // `@/lib/x` and the like: a name of the settings for a folder, which is left open.
        let (head, rest) = path.split_once('/')?;
        let is_alias = matches!(head, "@" | "~" | "#" | "src" | "app") || head.starts_with(['$', '~', '#']);
        if let Some(at) = self.stems.get(path) {
            return Some(*at);
        }
        if !is_alias {
            return None;
        }
        let rests = [rest.to_owned(), path.trim_start_matches(['$', '~', '#', '@']).to_owned()];
        rests.iter().find_map(|rest| {
            let all = self.ends.get(rest.rsplit('/').next()?)?;
            let is =
                |stem: &&SmolStr| *stem == rest || stem.strip_suffix(rest.as_str()).is_some_and(|s| s.ends_with('/'));
            let nearest = all.iter().filter(is).min_by_key(|stem| (stem.len(), stem.as_str()))?;
            self.stems.get(nearest).copied()
        })
    }
}

/// A path without the extension of code.
fn stem(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, end)) if script::EXTENSIONS.contains(&end) => stem,
        _ => path,
    }
}

/// A path that is relative to that of a file.
fn joined(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in stem(path).split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::Project;
    use specc_diag::Sources;

    #[test]
    fn imports_lead_to_files() {
        let mut sources = Sources::new();
        for name in ["src/a/b.tsx", "src/lib/db.ts", "src/lib/x/index.js", "lib/db.ts", "web/lib/only.mjs"] {
            sources.add(name, "");
        }
        let project = Project::new(&sources);
        let found = |from: &str, source: &str| {
            project.resolve(from, source).map(|at| sources.file(project.units[at].file).name.to_string())
        };
        for (source, to) in [
            ("../lib/db", Some("src/lib/db.ts")),
            ("../lib/db.js", Some("src/lib/db.ts")),
            ("../lib/x", Some("src/lib/x/index.js")),
            ("./b", Some("src/a/b.tsx")),
            ("@/lib/db", Some("lib/db.ts")),
            ("@/lib/only", Some("web/lib/only.mjs")),
            ("$lib/only", Some("web/lib/only.mjs")),
            ("src/lib/db", Some("src/lib/db.ts")),
            ("../../../../etc", None),
            ("react", None),
            ("@supabase/supabase-js", None),
            ("@/lib/nothing", None),
        ] {
            assert_eq!(found("src/a/b.tsx", source).as_deref(), to, "{source}");
        }
    }
}
