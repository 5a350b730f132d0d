//! Diagrams of entities and of states, laid out and drawn here; `erd.svg` is the one of everything.

mod layout;
mod route;
mod states;

use crate::access::{Reach, reach};
use crate::book::{Area, Book};
use crate::text;
use layout::{HEADER, Layout, ROW};
use route::{Edge, Places, Side};
use specc_model::RuleAction;
pub use states::draw as states;
use std::fmt::Write;

/// Hue of the panels, one after the other.
const HUES: &[u16] = &[212, 150, 28, 280, 350, 190, 50, 240, 110, 320];
/// The title and the legend.
const TOP: i32 = 78;

/// The address of a page of this path.
pub type Link<'l> = &'l (dyn Fn(&str) -> String + Sync);

/// The file of everything.
pub fn draw(book: &Book<'_>) -> String {
    drawing(book, &layout::arrange(book, &layout::everything(book)), None)
}

/// Everything, for a page that has [`STYLE`].
pub fn whole(book: &Book<'_>, link: Link<'_>) -> String {
    drawing(book, &layout::arrange(book, &layout::everything(book)), Some(link))
}

/// An area with what it refers to, for a page that has [`STYLE`]; large ones in parts.
pub fn area(book: &Book<'_>, area: &Area, link: Link<'_>) -> Vec<String> {
    let parts = layout::parts(book, area);
    parts.iter().map(|groups| drawing(book, &layout::arrange(book, groups), Some(link))).collect()
}

/// A drawing, as a file, or with the addresses of pages as part of one.
fn drawing(book: &Book<'_>, layout: &Layout, link: Option<Link<'_>>) -> String {
    let routes = route::route(book, layout);
    let places = route::place(layout, &routes, TOP);
    let width = places.width.max(840);
    let mut out = String::with_capacity(layout.boxes.len() * 3000 + 4096);
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{0}\" viewBox=\"0 0 {width} {0}\" role=\"img\">",
        places.height,
    );
    let _ = writeln!(out, "<title>{}: entities and relations</title>", escape(&book.project));
    if link.is_none() {
        let _ = write!(out, "<style>\n{STYLE}</style>\n");
    }
    let _ = writeln!(out, "<rect width=\"{width}\" height=\"{}\" fill=\"#fcfcfd\"/>", places.height);
    title(book, layout, routes.edges.len(), &mut out);
    for (panel, &(x, y, w, h)) in places.panels.iter().enumerate() {
        let hue = hue(panel);
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"10\" fill=\"hsl({hue},55%,96%)\" stroke=\"hsl({hue},35%,82%)\"/>",
        );
    }
    out.push_str("<g class=\"e\">\n");
    for edge in &routes.edges {
        line(book, layout, &places, edge, link.is_some(), &mut out);
    }
    out.push_str("</g>\n");
    for (panel, &(x, y, _, _)) in places.panels.iter().enumerate() {
        let title = escape(&layout.panels[panel].title);
        let _ = writeln!(
            out,
            "<text class=\"a\" x=\"{}\" y=\"{}\" fill=\"hsl({},45%,30%)\">{title}</text>",
            x + 14,
            y + 27,
            hue(panel),
        );
    }
    for at in 0..layout.boxes.len() {
        entity(book, layout, &places, at, link, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

fn hue(panel: usize) -> u16 {
    HUES[panel % HUES.len()]
}

/// How texts and lines look.
pub const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,'Liberation Sans',sans-serif;fill:#1f2933}
.t{font-size:20px;font-weight:600}
.s{font-size:12px;fill:#52606d}
.a{font-size:16px;font-weight:600;paint-order:stroke;stroke:#fff;stroke-width:5px;stroke-linejoin:round}
.n{font-size:13px;font-weight:600;fill:#fff}
.c,.y,.k{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace;font-size:12px}
.y{fill:#616e7c;text-anchor:end}
.k{font-size:10px;font-weight:700;fill:#7b8794}
.m{fill:#7b8794}
.e path,.l path{fill:none;stroke-width:1.3}
a:hover .n{text-decoration:underline}
";

fn title(book: &Book<'_>, layout: &Layout, relations: usize, out: &mut String) {
    let drawn: Vec<_> = layout.boxes.iter().filter(|shape| !shape.bare).collect();
    let areas: std::collections::BTreeSet<usize> = drawn.iter().map(|shape| shape.panel).collect();
    let _ = writeln!(out, "<text class=\"t\" x=\"24\" y=\"36\">{}</text>", escape(&book.project));
    let _ = writeln!(
        out,
        "<text class=\"s\" x=\"24\" y=\"58\">{}, {}, {}</text>",
        text::count(drawn.len(), "entity", "entities"),
        text::count(relations, "relation", "relations"),
        text::count(areas.len(), "area", "areas"),
    );
    // The legend: what the ends of a line say.
    let samples: [(&str, bool, bool); 3] =
        [("many to one", false, true), ("many to none or one", true, true), ("one to one", false, false)];
    out.push_str("<g class=\"l\">\n");
    let mut x = 330;
    for (label, nullable, many) in samples {
        let mut glyphs = String::new();
        foot(&mut glyphs, (x, 36), Side::Right, many, 5);
        stop(&mut glyphs, (x + 62, 36), Side::Left, nullable, 5);
        let _ = writeln!(out, "<g stroke=\"#52606d\"><path d=\"M{x} 36H{}\"/>{glyphs}</g>", x + 62);
        let _ = writeln!(out, "<text class=\"s\" x=\"{}\" y=\"40\">{label}</text>", x + 70);
        x += 96 + label.len() as i32 * 6;
    }
    out.push_str("</g>\n");
    out.push_str(
        "<text class=\"s\" x=\"330\" y=\"62\">PK key · FK reference · PF both · U unique · ? may be null</text>\n",
    );
}

/// An edge and its ends.
fn line(book: &Book<'_>, layout: &Layout, places: &Places, edge: &Edge<'_>, part: bool, out: &mut String) {
    let points = places.points(layout, edge);
    let (Some(&start), Some(&end)) = (points.first(), points.last()) else { return };
    let mut path = String::new();
    rounded(&points, &mut path);
    let from = book.model.entity(edge.relation.from);
    let column = edge.relation.fields.first().map_or("", |field| from.fields[*field].name.as_str());
    let tip = format!("{}.{column} → {}", book.label(edge.relation.from), book.label(edge.relation.to));
    let hue = hue(layout.boxes[edge.to].panel);
    let ends = if part { format!(" data-from=\"{}\" data-to=\"{}\"", edge.from, edge.to) } else { String::new() };
    let _ = write!(out, "<g stroke=\"hsl({hue},40%,48%)\"{ends}><title>{}</title><path d=\"{path}\"/>", escape(&tip));
    foot(out, start, edge.from_side, !edge.relation.inverse_one, if edge.from_shift == 0 { 5 } else { 4 });
    stop(out, end, edge.to_side, edge.relation.nullable, if edge.to_shift == 0 { 5 } else { 4 });
    out.push_str("</g>\n");
}

/// A way with its corners rounded.
fn rounded(points: &[(i32, i32)], out: &mut String) {
    let mut way: Vec<(i32, i32)> = Vec::with_capacity(points.len());
    for &point in points {
        let straight = |a: (i32, i32), b: (i32, i32)| a.0 == b.0 && b.0 == point.0 || a.1 == b.1 && b.1 == point.1;
        match way.as_slice() {
            [.., last] if *last == point => continue,
            [.., a, b] if straight(*a, *b) => {
                way.pop();
            }
            _ => {}
        }
        way.push(point);
    }
    let _ = write!(out, "M{} {}", way[0].0, way[0].1);
    for n in 1..way.len() {
        let (x, y) = way[n];
        let Some(&(next_x, next_y)) = way.get(n + 1) else {
            let _ = write!(out, "L{x} {y}");
            break;
        };
        let (last_x, last_y) = way[n - 1];
        let before = (x - last_x).abs() + (y - last_y).abs();
        let after = (next_x - x).abs() + (next_y - y).abs();
        let r = 5.min(before / 2).min(after / 2);
        let (in_x, in_y) = (x - (x - last_x).signum() * r, y - (y - last_y).signum() * r);
        let (out_x, out_y) = (x + (next_x - x).signum() * r, y + (next_y - y).signum() * r);
        let _ = write!(out, "L{in_x} {in_y}Q{x} {y} {out_x} {out_y}");
    }
}

/// The end at the referring box: a crow's foot for many rows, a bar for one, and a circle because there may be none.
fn foot(out: &mut String, (x, y): (i32, i32), side: Side, many: bool, size: i32) {
    let way = if side == Side::Left { -1 } else { 1 };
    let tip = x + way * 10;
    if many {
        let _ = write!(out, "<path d=\"M{x} {}L{tip} {y}L{x} {}\"/>", y - size, y + size);
    } else {
        let bar = x + way * 7;
        let _ = write!(out, "<path d=\"M{bar} {}V{}\"/>", y - size, y + size);
    }
    let _ = write!(out, "<circle cx=\"{}\" cy=\"{y}\" r=\"{}\" fill=\"#fff\"/>", x + way * 14, radius(size));
}

/// The end at the referenced box: a bar, and a second bar or a circle where the reference may be null.
fn stop(out: &mut String, (x, y): (i32, i32), side: Side, nullable: bool, size: i32) {
    let way = if side == Side::Left { -1 } else { 1 };
    let bar = x + way * 6;
    let _ = write!(out, "<path d=\"M{bar} {}V{}\"/>", y - size, y + size);
    if nullable {
        let _ = write!(out, "<circle cx=\"{}\" cy=\"{y}\" r=\"{}\" fill=\"#fff\"/>", x + way * 12, radius(size));
    } else {
        let second = x + way * 10;
        let _ = write!(out, "<path d=\"M{second} {}V{}\"/>", y - size, y + size);
    }
}

/// Of the circle that goes with bars of this size.
fn radius(size: i32) -> &'static str {
    if size < 5 { "2.8" } else { "3.5" }
}

/// A box.
fn entity(book: &Book<'_>, layout: &Layout, places: &Places, at: usize, link: Option<Link<'_>>, out: &mut String) {
    let shape = &layout.boxes[at];
    let (x, y) = places.corner(layout, at);
    let (w, h) = (shape.width, shape.height);
    let hue = hue(shape.panel);
    let path = book.path(shape.id);
    if link.is_some() {
        let panel = escape(&layout.panels[shape.panel].title);
        let (label, readers) = (escape(book.label(shape.id)), readers(book, shape.id));
        let _ = write!(
            out,
            "<g data-entity=\"{label}\" data-area=\"{panel}\" data-readers=\"{readers}\" data-box=\"{x} {y} {w} {h}\">"
        );
    }
    if !path.is_empty() {
        let href = link.map_or_else(|| path.clone(), |link| link(&path));
        let _ = write!(out, "<a href=\"{}\">", escape(&href));
    }
    let _ = write!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"6\" fill=\"#fff\" stroke=\"hsl({hue},35%,55%)\"/>\
         <path d=\"M{x} {}v-{}a6 6 0 0 1 6 -6h{}a6 6 0 0 1 6 6v{}z\" fill=\"hsl({hue},45%,40%)\"/>\
         <text class=\"n\" x=\"{}\" y=\"{}\">{}</text>",
        y + HEADER,
        HEADER - 6,
        w - 12,
        HEADER - 6,
        x + 10,
        y + 19,
        escape(book.label(shape.id)),
    );
    for (n, row) in shape.rows.iter().enumerate() {
        let base = y + HEADER + ROW * n as i32 + 15;
        if !row.mark.is_empty() {
            let _ = write!(out, "<text class=\"k\" x=\"{}\" y=\"{base}\">{}</text>", x + 10, row.mark);
        }
        let class = if row.field.is_some() { "c" } else { "c m" };
        let _ = write!(out, "<text class=\"{class}\" x=\"{}\" y=\"{base}\">{}</text>", x + 32, escape(&row.name));
        if !row.ty.is_empty() {
            let _ = write!(out, "<text class=\"y\" x=\"{}\" y=\"{base}\">{}</text>", x + w - 10, escape(&row.ty));
        }
    }
    if !path.is_empty() {
        out.push_str("</a>");
    }
    out.push_str(if link.is_some() { "</g>\n" } else { "\n" });
}

/// The places of the roles that may read rows of an entity.
fn readers(book: &Book<'_>, id: specc_model::EntityId) -> String {
    let entity = book.model.entity(id);
    let reads = |role| !entity.external && !matches!(reach(book, entity, role, RuleAction::Select), Reach::None);
    let all = book.roles().iter().enumerate().filter(|(_, role)| reads(role));
    all.map(|(place, _)| place.to_string()).collect::<Vec<_>>().join(" ")
}

/// For text and attributes; what XML does not allow at all becomes a replacement character.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' => out.push(' '),
            c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
