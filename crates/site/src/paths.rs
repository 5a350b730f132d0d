//! Where each page of the book is in the site, and what a link on one page leads to.

use crate::html::{decode, encode};
use crate::outline::Outline;
use crate::{DIAGRAM, DRAWING};
use rustc_hash::FxHashMap;
use specc_docs::DocFile;

/// The files of the book.
pub struct Paths<'s> {
    /// The place among the pages; none for a file that is no page.
    known: FxHashMap<&'s str, Option<usize>>,
}

/// What a link leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// Into the site; whether the heading that it names is there.
    Inside(String, bool),
    /// Elsewhere on the web, or to a mail address.
    Outside(String),
    /// Nowhere that a page may lead to.
    Nowhere,
}

impl<'s> Paths<'s> {
    /// Of these files.
    pub fn new(book: &'s [DocFile]) -> Self {
        let mut pages = 0;
        let place = |file: &'s DocFile| {
            let page = file.path.ends_with(".md").then_some(pages);
            pages += usize::from(page.is_some());
            (file.path.as_str(), page)
        };
        Self { known: book.iter().map(place).collect() }
    }

    /// Where a file of the book is in the site.
    pub fn address(&self, path: &str) -> String {
        if path == DRAWING {
            return DIAGRAM.to_owned();
        }
        // In other folders, a page may be called `index`, too.
        match path.strip_suffix(".md") {
            Some("README") => "index.html".to_owned(),
            Some(stem) => format!("{stem}.html"),
            None => path.to_owned(),
        }
    }

    /// What leads from the page at one path to the page at another.
    pub fn link(&self, from: &str, to: &str) -> String {
        format!("{}{}", root(from), encode(&self.address(to)))
    }

    /// What the target of a link on a page leads to.
    pub fn target(&self, from: &str, outlines: &[Outline], written: &str) -> Target {
        if let Some((scheme, _)) = written.split_once(':')
            && !scheme.contains(['/', '#', '?'])
        {
            let is_known = ["http", "https", "mailto"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
            return if is_known { Target::Outside(written.to_owned()) } else { Target::Nowhere };
        }
        let (path, anchor) = written.split_once('#').map_or((written, None), |(path, anchor)| (path, Some(anchor)));
        let path = if path.is_empty() { Some(from.to_owned()) } else { joined(from, &decode(path)) };
        let Some((path, page)) = path.and_then(|path| Some((path.clone(), self.known.get(path.as_str())?))) else {
            return Target::Nowhere;
        };
        let link = self.link(from, &path);
        match (anchor.map(decode), page.map(|page| &outlines[page])) {
            (Some(anchor), Some(outline)) if outline.has(&anchor) => {
                Target::Inside(format!("{link}#{}", encode(&anchor)), true)
            }
            (anchor, _) => Target::Inside(link, anchor.is_none()),
        }
    }
}

/// What leads from the page at a path to the folder of all.
pub fn root(path: &str) -> String {
    "../".repeat(path.matches('/').count())
}

/// The path that another names, seen from its folder; none where it leads out.
fn joined(from: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
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
    use super::{Paths, Target};
    use crate::outline::Outline;
    use specc_docs::DocFile;

    #[test]
    fn a_link_leads_into_the_site_or_to_the_web() {
        let file = |path: &str| DocFile { path: path.to_owned(), contents: String::new() };
        let book = [file("README.md"), file("a b/x.md"), file("erd.svg"), file("schema.sql")];
        let paths = Paths::new(&book);
        let outlines = [Outline::of("# One\n"), Outline::of("# Two\n")];
        let target = |from: &str, written: &str| paths.target(from, &outlines, written);
        let inside = |to: &str| Target::Inside(to.to_owned(), true);
        assert_eq!(target("README.md", "a%20b/x.md#two"), inside("a%20b/x.html#two"));
        assert_eq!(target("README.md", "a b/x.md"), inside("a%20b/x.html"));
        assert_eq!(target("a b/x.md", "../README.md#one"), inside("../index.html#one"));
        assert_eq!(target("a b/x.md", "#two"), inside("../a%20b/x.html#two"));
        assert_eq!(target("a b/x.md", "../erd.svg"), inside("../erd.html"));
        assert_eq!(target("a b/x.md", "./../schema.sql"), inside("../schema.sql"));
        assert_eq!(target("a b/x.md", "#three"), Target::Inside("../a%20b/x.html".to_owned(), false));
        assert_eq!(target("README.md", "HTTPS://x.example/#a"), Target::Outside("HTTPS://x.example/#a".to_owned()));
        for lost in
            ["x.md", "../README.md", "//x.example", "/README.md", "javascript:x", "JaVaScRiPt:x", "data:,x", ":"]
        {
            assert_eq!(target("README.md", lost), Target::Nowhere, "{lost}");
        }
    }
}
