//! Where boxes stand: measured, put in columns by what they refer to, columns in panels, panels on layers.

use crate::book::{Area, Book};
use crate::{mermaid, text};
use rustc_hash::FxHashMap;
use specc_model::{EntityId, FieldIx};

/// More entities than this show keys and references only.
const MANY: usize = 150;
/// Rows of a box; what is over is counted in its last row.
const MOST_ROWS: usize = 40;

pub const HEADER: i32 = 28;
pub const ROW: i32 = 19;
/// Width of a character of a row and of a header.
const CHAR: f64 = 7.25;
const TITLE_CHAR: f64 = 8.1;
/// Between boxes of a column.
pub const GAP: i32 = 30;
/// Above the first box of a panel: its title.
pub const TITLE: i32 = 46;

/// A row of a box.
pub struct Row {
    pub mark: &'static str,
    pub name: String,
    pub ty: String,
    pub field: Option<FieldIx>,
}

/// An entity.
pub struct Entity {
    pub id: EntityId,
    /// Drawn for those that refer to it: what it refers to itself is not drawn.
    pub bare: bool,
    pub rows: Vec<Row>,
    pub width: i32,
    pub height: i32,
    pub panel: usize,
    pub column: usize,
    /// In its panel.
    pub y: i32,
}

impl Entity {
    /// Where, in the box, an edge of `field` ends.
    pub fn port(&self, field: Option<FieldIx>) -> i32 {
        let row = self.rows.iter().position(|row| row.field.is_some() && row.field == field);
        row.map_or(HEADER / 2, |row| HEADER + ROW * row as i32 + ROW / 2)
    }
}

/// An area.
pub struct Panel {
    pub title: String,
    /// Boxes by column, from the top.
    pub columns: Vec<Vec<usize>>,
    pub column_widths: Vec<i32>,
    /// Of the boxes, without title and padding.
    pub height: i32,
    pub layer: usize,
    /// Among the panels of its layer.
    pub place: usize,
}

/// Everything, before coordinates.
pub struct Layout {
    pub boxes: Vec<Entity>,
    pub panels: Vec<Panel>,
    pub layers: Vec<Vec<usize>>,
    pub at: FxHashMap<EntityId, usize>,
}

/// What is drawn in one panel.
pub struct Group {
    title: String,
    ids: Vec<EntityId>,
    /// Only keys and references are shown, since it is drawn elsewhere.
    bare: bool,
}

/// All areas, and what of the platform they refer to.
pub fn everything(book: &Book<'_>) -> Vec<Group> {
    let area = |area: &Area| Group { title: area.name.to_string(), ids: area.entities.clone(), bare: false };
    let mut groups: Vec<Group> = book.areas.iter().map(area).collect();
    if !book.foreign.is_empty() {
        groups.push(Group { title: "platform".to_owned(), ids: book.foreign.clone(), bare: true });
    }
    groups
}

/// An area and what it refers to elsewhere; in several drawings where it is too large for one.
pub fn parts(book: &Book<'_>, area: &Area) -> Vec<Vec<Group>> {
    let part = |ids: &[EntityId]| {
        let relations = ids.iter().flat_map(|id| &book.model.entity(*id).outgoing);
        let mut far: Vec<EntityId> = relations.map(|id| book.model.relation(*id).to).collect();
        far.sort_unstable();
        far.dedup();
        let shown: rustc_hash::FxHashSet<&EntityId> = ids.iter().collect();
        far.retain(|id| !shown.contains(id));
        let mut groups = vec![Group { title: area.name.to_string(), ids: ids.to_vec(), bare: false }];
        if !far.is_empty() {
            groups.push(Group { title: "elsewhere".to_owned(), ids: far, bare: true });
        }
        groups
    };
    area.entities.chunks(MANY).map(part).collect()
}

/// Measures and arranges.
pub fn arrange(book: &Book<'_>, groups: &[Group]) -> Layout {
    let keys_only = groups.iter().filter(|group| !group.bare).map(|group| group.ids.len()).sum::<usize>() > MANY;
    let mut layout = Layout { boxes: Vec::new(), panels: Vec::new(), layers: Vec::new(), at: FxHashMap::default() };
    for group in groups {
        let first = layout.boxes.len();
        for &id in &group.ids {
            layout.at.insert(id, layout.boxes.len());
            layout.boxes.push(measure(book, id, keys_only, layout.panels.len(), group.bare));
        }
        let panel = columns(book, &mut layout, first, group.title.clone());
        layout.panels.push(panel);
    }
    shelve(&mut layout);
    layout
}

fn measure(book: &Book<'_>, id: EntityId, keys_only: bool, panel: usize, bare: bool) -> Entity {
    let entity = book.model.entity(id);
    let key: &[FieldIx] = entity.key.as_ref().map_or(&[], |key| &key.fields);
    let mut rows = Vec::new();
    let mut left_out = 0;
    for (place, field) in entity.fields.iter().enumerate() {
        let reference = book.reference(id, place).is_some();
        let is_key = key.contains(&place);
        if (keys_only || bare) && !is_key && !reference || rows.len() >= MOST_ROWS {
            left_out += 1;
            continue;
        }
        let mark = match (is_key, reference) {
            (true, true) => "PF",
            (true, false) => "PK",
            (false, true) => "FK",
            (false, false) if mermaid::is_unique(entity, place) => "U",
            (false, false) => "",
        };
        let mut ty = text::ty(book.model, &field.ty);
        if field.nullable {
            ty.push('?');
        }
        let (name, ty) = (text::cut(&field.name, 36).into_owned(), text::cut(&ty, 26).into_owned());
        rows.push(Row { mark, name, ty, field: Some(place) });
    }
    if left_out > 0 && !bare {
        let name = format!("… {left_out} more");
        rows.push(Row { mark: "", name, ty: String::new(), field: None });
    }
    let chars = |text: &str| text.chars().count() as f64;
    let widest = rows.iter().map(|row| 34.0 + chars(&row.name) * CHAR + 18.0 + chars(&row.ty) * CHAR + 10.0);
    let title = chars(book.label(id)) * TITLE_CHAR + 24.0;
    let width = widest.fold(title.max(130.0), f64::max) as i32;
    let height = HEADER + ROW * rows.len() as i32 + 5;
    Entity { id, bare, rows, width, height, panel, column: 0, y: 0 }
}

/// Puts the boxes from `first` on into columns: referenced ones left of those that refer to them.
fn columns(book: &Book<'_>, layout: &mut Layout, first: usize, title: String) -> Panel {
    let count = layout.boxes.len() - first;
    let mut parents: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (at, shape) in layout.boxes[first..].iter().enumerate() {
        for relation in book.model.entity(shape.id).outgoing.iter().map(|id| book.model.relation(*id)) {
            if let Some(&to) = layout.at.get(&relation.to)
                && to >= first
                && to != first + at
                && !parents[at].contains(&(to - first))
            {
                parents[at].push(to - first);
                children[to - first].push(at);
            }
        }
    }
    let ranks = ranks(&parents, &children);
    let boxes = &mut layout.boxes[first..];
    let area: f64 = boxes.iter().map(|b| f64::from(b.width + 70) * f64::from(b.height + GAP)).sum();
    let tallest = boxes.iter().map(|b| b.height).max().unwrap_or(0);
    let room = tallest.max((area * 0.62).sqrt() as i32);
    let linked = |at: &usize| !parents[*at].is_empty() || !children[*at].is_empty();
    let mut by_rank: Vec<Vec<usize>> = Vec::new();
    for at in (0..count).filter(linked) {
        by_rank.resize(by_rank.len().max(ranks[at] + 1), Vec::new());
        by_rank[ranks[at]].push(at);
    }
    // Sweeps: each rank in the order of what it is tied to on one side, then on the other.
    let mut middle = vec![0.0; count];
    let place = |order: &[usize], middle: &mut Vec<f64>, boxes: &[Entity]| {
        let mut y = 0;
        for &at in order {
            if y > 0 && y + boxes[at].height > room {
                y = 0;
            }
            middle[at] = f64::from(y + boxes[at].height / 2);
            y += boxes[at].height + GAP;
        }
    };
    by_rank.iter().for_each(|order| place(order, &mut middle, boxes));
    for sweep in 0..4 {
        let (ties, forward) = if sweep % 2 == 0 { (&parents, true) } else { (&children, false) };
        let count = by_rank.len();
        for n in 0..count {
            let order = &mut by_rank[if forward { n } else { count - 1 - n }];
            let weight = |at: usize| match ties[at].len() {
                0 => middle[at],
                n => ties[at].iter().map(|other| middle[*other]).sum::<f64>() / n as f64,
            };
            let mut weighted: Vec<(f64, usize)> = order.iter().map(|at| (weight(*at), *at)).collect();
            weighted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            *order = weighted.into_iter().map(|(_, at)| at).collect();
            place(order, &mut middle, boxes);
        }
    }
    let mut columns: Vec<Vec<usize>> = Vec::new();
    let mut used: Vec<i32> = Vec::new();
    for order in by_rank {
        let mut height = i32::MAX;
        for at in order {
            if height == i32::MAX || height + GAP + boxes[at].height > room {
                columns.push(Vec::new());
                used.push(0);
                height = -GAP;
            }
            height += GAP + boxes[at].height;
            columns.last_mut().expect("one was added").push(at);
            *used.last_mut().expect("one was added") = height;
        }
    }
    // What is tied to nothing here fills the columns up.
    let mut next = 0;
    for at in (0..count).filter(|at| !linked(at)) {
        let height = boxes[at].height;
        while next < columns.len() && used[next] + GAP + height > room {
            next += 1;
        }
        if next == columns.len() {
            columns.push(Vec::new());
            used.push(-GAP);
        }
        columns[next].push(at);
        used[next] += GAP + height;
    }
    let height = used.iter().copied().max().unwrap_or(0);
    settle(&columns, &parents, boxes, height);
    let widths = columns.iter().map(|column| column.iter().map(|at| boxes[*at].width).max().unwrap_or(0)).collect();
    for (number, column) in columns.iter_mut().enumerate() {
        for at in column.iter_mut() {
            boxes[*at].column = number;
            *at += first;
        }
    }
    Panel { title, columns, column_widths: widths, height, layer: 0, place: 0 }
}

/// Gives boxes their height in the panel: near what they refer to, where there is room.
fn settle(columns: &[Vec<usize>], parents: &[Vec<usize>], boxes: &mut [Entity], height: i32) {
    for column in columns {
        let mut below: i32 = column.iter().map(|at| boxes[*at].height + GAP).sum::<i32>() - GAP;
        let mut y = 0;
        for &at in column {
            let wanted = match parents[at].len() as i32 {
                0 => y,
                n => parents[at].iter().map(|p| boxes[*p].y).sum::<i32>() / n,
            };
            let top = wanted.clamp(y, (height - below).max(y));
            boxes[at].y = top;
            y = top + boxes[at].height + GAP;
            below -= boxes[at].height + GAP;
        }
    }
}

/// How many references lie between a box and one that refers to nothing; a circle is cut at its first box.
fn ranks(parents: &[Vec<usize>], children: &[Vec<usize>]) -> Vec<usize> {
    let count = parents.len();
    let mut waits: Vec<usize> = parents.iter().map(Vec::len).collect();
    let mut ranks = vec![0; count];
    let mut done = vec![false; count];
    let mut queue: std::collections::VecDeque<usize> = (0..count).filter(|at| waits[*at] == 0).collect();
    let mut next = 0;
    loop {
        while let Some(at) = queue.pop_front() {
            if std::mem::replace(&mut done[at], true) {
                continue;
            }
            for &child in &children[at] {
                if !done[child] {
                    ranks[child] = ranks[child].max(ranks[at] + 1);
                    waits[child] -= 1;
                    if waits[child] == 0 {
                        queue.push_back(child);
                    }
                }
            }
        }
        while next < count && done[next] {
            next += 1;
        }
        if next == count {
            return ranks;
        }
        queue.push_back(next);
    }
}

/// Puts the panels on layers, the tallest first.
fn shelve(layout: &mut Layout) {
    let size = |panel: &Panel| {
        let width = panel.column_widths.iter().map(|w| w + 70).sum::<i32>() + 70;
        (width, panel.height + TITLE + 40)
    };
    let sizes: Vec<(i32, i32)> = layout.panels.iter().map(size).collect();
    let area: f64 = sizes.iter().map(|(w, h)| f64::from(w + 60) * f64::from(h + 60)).sum();
    let widest = sizes.iter().map(|(w, _)| *w).max().unwrap_or(0);
    let room = widest.max((area * 1.5).sqrt() as i32);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|at| (-sizes[*at].1, *at));
    let mut used: Vec<i32> = Vec::new();
    for at in order {
        let width = sizes[at].0 + 60;
        let layer = match used.iter().position(|used| used + width <= room + 60) {
            Some(layer) => layer,
            None => {
                used.push(0);
                layout.layers.push(Vec::new());
                used.len() - 1
            }
        };
        used[layer] += width;
        layout.panels[at].layer = layer;
        layout.panels[at].place = layout.layers[layer].len();
        layout.layers[layer].push(at);
    }
}
