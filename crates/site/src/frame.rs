//! What every page has around its body.

use crate::Site;
use crate::body::Body;
use crate::html::{encode, escaped};
use crate::nav::Nav;
use crate::paths::root;
use specc_catalog::MARK;
use std::fmt::Write;

/// The files of the site's own.
pub const STYLE: &str = "assets/site.css";
/// What pages do.
pub const SCRIPT: &str = "assets/site.js";
/// What is searched.
pub const INDEX: &str = "assets/search.js";

/// What a page may load: files of the site, on a server and from a disk, and nothing else; no script of its own text, no form, no
/// network.
const POLICY: &str = "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src 'self' file:; base-uri 'none'; form-action 'none'";

/// Writes pages around their bodies.
pub struct Frame<'s> {
    pub site: &'s Site<'s>,
    pub nav: &'s Nav<'s>,
}

impl Frame<'_> {
    /// A page of the book.
    pub fn page(&self, at: usize, body: &Body) -> String {
        let outline = &self.site.outlines[at];
        let sections: Vec<_> = outline.headings.iter().filter(|heading| matches!(heading.level, 2 | 3)).collect();
        let mut contents = String::new();
        // A list as long as the page helps nobody.
        let deepest = if sections.len() > 40 { 2 } else { 3 };
        if sections.len() > 2 {
            contents.push_str("<nav class=\"contents\" aria-label=\"On this page\">\n<h2>On this page</h2>\n<ul>\n");
            for heading in sections.into_iter().filter(|heading| heading.level <= deepest).take(80) {
                let (level, anchor) = (heading.level, encode(&heading.anchor));
                let _ = writeln!(
                    contents,
                    "<li class=\"l{level}\"><a href=\"#{anchor}\">{}</a></li>",
                    escaped(&heading.text)
                );
            }
            contents.push_str("</ul>\n</nav>\n");
        }
        self.around(self.site.pages[at].0, outline.title(), &body.html, &contents)
    }

    /// A page of the site's own, at a path.
    pub fn own(&self, path: &str, title: &str, body: &str) -> String {
        self.around(path, title, body, "")
    }

    fn around(&self, path: &str, title: &str, body: &str, contents: &str) -> String {
        let (root, project) = (root(path), escaped(self.site.project));
        let title = match title {
            "" => project.clone(),
            title if title == self.site.project => project.clone(),
            title => format!("{} – {project}", escaped(title)),
        };
        let nav = self.nav.near(path);
        format!(
            "<!doctype html>\n<!-- {MARK} -->\n<html lang=\"en\" data-root=\"{root}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>{title}</title>\n<link rel=\"stylesheet\" href=\"{root}{STYLE}\">\n<script src=\"{root}{SCRIPT}\"></script>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#site:main\">Skip to the text</a>\n\
             <header>\n<button type=\"button\" id=\"site:menu\" aria-expanded=\"false\" aria-controls=\"site:nav\">Menu</button>\n\
             <a class=\"project\" href=\"{root}index.html\">{project}</a>\n\
             <div class=\"search\" role=\"search\">\n<input type=\"search\" id=\"site:search\" role=\"combobox\" autocomplete=\"off\" \
             spellcheck=\"false\" aria-label=\"Search\" aria-autocomplete=\"list\" aria-expanded=\"false\" aria-controls=\"site:hits\" \
             placeholder=\"Search: press /\">\n<ul id=\"site:hits\" role=\"listbox\" aria-label=\"What was found\" hidden></ul>\n\
             <p id=\"site:found\" class=\"unseen\" role=\"status\"></p>\n</div>\n\
             <button type=\"button\" id=\"site:theme\">Dark</button>\n</header>\n\
             <div class=\"page\">\n<nav id=\"site:nav\" aria-label=\"Pages\">\n{nav}</nav>\n\
             <main id=\"site:main\" tabindex=\"-1\">\n{body}</main>\n{contents}</div>\n\
             <footer>Made by specc from the spec. Change the spec, not these pages.</footer>\n</body>\n</html>\n"
        )
    }
}
