//! Which pages belong together, and the list of those that are near one.

use crate::html::{encode, escaped};
use crate::paths::root;
use crate::{DIAGRAM, PAGES, Site};
use rustc_hash::{FxHashMap, FxHashSet};
use specc_docs::Section;
use std::collections::BTreeMap;
use std::fmt::Write;

/// More links than this are no list that one reads: the page of all pages has them.
const MOST: usize = 60;

/// The pages in their groups.
pub struct Nav<'s> {
    site: &'s Site<'s>,
    /// Pages of the first folder: title and place.
    top: Vec<usize>,
    /// Pages of each other folder, without those of areas and entities.
    folders: BTreeMap<&'s str, Vec<usize>>,
    areas: Vec<Section>,
    area_of: FxHashMap<String, usize>,
}

impl<'s> Nav<'s> {
    /// Groups the pages.
    pub fn new(site: &'s Site<'s>) -> Self {
        let areas = site.figures.sections();
        let mut area_of = FxHashMap::default();
        for (at, area) in areas.iter().enumerate() {
            area_of.insert(area.page.clone(), at);
            area_of.extend(area.entities.iter().map(|(_, path)| (path.clone(), at)));
        }
        let (mut top, mut folders): (Vec<usize>, BTreeMap<&str, Vec<usize>>) = (Vec::new(), BTreeMap::new());
        for (at, (path, _)) in site.pages.iter().enumerate().filter(|(_, (path, _))| !area_of.contains_key(*path)) {
            match path.rsplit_once('/') {
                None => top.push(at),
                Some((folder, _)) => folders.entry(folder).or_default().push(at),
            }
        }
        let title = |at: &usize| site.outlines[*at].title().to_lowercase();
        let key = |at: &usize| (!site.pages[*at].0.ends_with("README.md"), title(at), *at);
        top.sort_by_cached_key(key);
        folders.values_mut().for_each(|pages| pages.sort_by_cached_key(key));
        Self { site, top, folders, areas, area_of }
    }

    /// The list for the page at a path of the book, or of the site's own.
    pub fn near(&self, path: &str) -> String {
        let mut out = String::new();
        self.group("Overview", &self.top, path, &mut out);
        let tag = link(&format!("{}{DIAGRAM}", root(path)), "Diagram", path == DIAGRAM);
        let end = out.len() - "</ul>\n".len();
        out.insert_str(end, &format!("<li>{tag}</li>\n"));
        self.areas(path, &mut out);
        for (folder, pages) in &self.folders {
            self.group(&words(folder), pages, path, &mut out);
        }
        let tag = link(&format!("{}{PAGES}", root(path)), "All pages", path == PAGES);
        let _ = writeln!(out, "<p class=\"all\">{tag}</p>");
        out
    }

    fn group(&self, title: &str, pages: &[usize], here: &str, out: &mut String) {
        let _ = write!(out, "<h2>{}</h2>\n<ul>\n", escaped(title));
        for &at in pages.iter().filter(|at| pages.len() <= MOST || self.site.pages[**at].0 == here) {
            let _ = writeln!(out, "<li>{}</li>", self.page(at, here));
        }
        more(pages.len(), here, title, out);
        out.push_str("</ul>\n");
    }

    fn page(&self, at: usize, here: &str) -> String {
        let path = self.site.pages[at].0;
        let title = match self.site.outlines[at].title() {
            "" => path,
            title if path == "README.md" && title == self.site.project => "Start",
            title => title,
        };
        link(&self.site.paths.link(here, path), title, path == here)
    }

    /// The areas; of the one that the page belongs to, its entities.
    fn areas(&self, here: &str, out: &mut String) {
        if self.areas.is_empty() {
            return;
        }
        out.push_str("<h2>Areas</h2>\n<ul>\n");
        let current = self.area_of.get(here);
        for (at, area) in self.areas.iter().enumerate() {
            let is_here = current == Some(&at);
            if self.areas.len() > MOST && !is_here {
                continue;
            }
            let tag = link(&self.site.paths.link(here, &area.page), &area.name, area.page == here);
            let _ = write!(out, "<li>{tag}");
            if is_here {
                out.push_str("\n<ul>\n");
                let near =
                    area.entities.iter().position(|(_, path)| path == here).unwrap_or(0).saturating_sub(MOST / 2);
                for (label, path) in area.entities.iter().skip(near).take(MOST) {
                    let tag = link(&self.site.paths.link(here, path), label, path == here);
                    let _ = writeln!(out, "<li>{tag}</li>");
                }
                more(area.entities.len(), here, "entities of the area", out);
                out.push_str("</ul>\n");
            }
            out.push_str("</li>\n");
        }
        more(self.areas.len(), here, "Areas", out);
        out.push_str("</ul>\n");
    }

    /// The page of all pages.
    pub fn list(&self) -> String {
        let mut out = String::from("<h1>All pages</h1>\n");
        let mut group = |title: &str, pages: &mut dyn Iterator<Item = String>| {
            let _ = write!(out, "<h2>{}</h2>\n<ul class=\"columns\">\n", escaped(title));
            pages.for_each(|tag| out.push_str(&format!("<li>{tag}</li>\n")));
            out.push_str("</ul>\n");
        };
        group("Overview", &mut self.top.iter().map(|at| self.page(*at, PAGES)));
        for (folder, pages) in &self.folders {
            group(&words(folder), &mut pages.iter().map(|at| self.page(*at, PAGES)));
        }
        let known: FxHashSet<&str> = self.site.pages.iter().map(|(path, _)| *path).collect();
        for area in &self.areas {
            let entity = |(label, path): &(String, String)| link(&encode(&self.site.paths.address(path)), label, false);
            let own = link(&encode(&self.site.paths.address(&area.page)), "The area and its diagram", false);
            let entities = area.entities.iter().filter(|(_, path)| known.contains(path.as_str())).map(entity);
            group(&area.name, &mut std::iter::once(own).chain(entities));
        }
        out
    }
}

fn link(address: &str, title: &str, is_here: bool) -> String {
    let here = if is_here { " aria-current=\"page\"" } else { "" };
    format!("<a href=\"{}\"{here}>{}</a>", escaped(address), escaped(title))
}

/// Where there are more than a list has.
fn more(count: usize, here: &str, what: &str, out: &mut String) {
    if count > MOST {
        let _ = writeln!(
            out,
            "<li><a href=\"{}{PAGES}\">All {count} {}</a></li>",
            root(here),
            escaped(&what.to_lowercase())
        );
    }
}

/// A folder's name as a title.
fn words(folder: &str) -> String {
    let text = folder.replace(['/', '-', '_'], " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}
