//! Ways of edges: along channels between columns, corridors between boxes, and gutters between panels, never through a
//! box. Edges to the same entity share a lane, so that a much-used entity gathers a tree and not a bundle.

use super::layout::{GAP, Layout, TITLE};
use crate::book::Book;
use rustc_hash::FxHashMap;
use specc_model::{EntityId, Relation};

/// What an edge runs along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Track {
    /// Upright, left of a column of a panel (or right of the last).
    Channel(usize, usize),
    /// Upright, left of a panel of a layer (or right of the last).
    Gap(usize, usize),
    /// Level, between boxes of a panel, at a height.
    Corridor(usize, i32),
    /// Level, below all boxes of a panel.
    Bottom(usize),
    /// Level, above a layer (or below the last).
    Gutter(usize),
}

/// Which side of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Left,
    Right,
}

/// An edge from a referring box to the one it refers to.
pub struct Edge<'a> {
    pub relation: &'a Relation,
    pub from: usize,
    pub from_side: Side,
    pub to: usize,
    pub to_side: Side,
    /// Upright and level tracks in turn, upright ones at both ends; each with its lane.
    pub tracks: Vec<(Track, usize)>,
    /// Up or down from the middle of the row, where ends of several kinds share it.
    pub from_shift: i32,
    pub to_shift: i32,
}

/// Where an edge ends: box, side and field; and the kinds of end: a foot, a stop, a stop of a nullable reference.
type Port = (usize, Side, Option<usize>);

impl Edge<'_> {
    fn ports(&self) -> [(Port, u8); 2] {
        let first = |fields: &[usize]| fields.first().copied();
        let stop = if self.relation.nullable { 4 } else { 2 };
        [
            ((self.from, self.from_side, first(&self.relation.fields)), 1),
            ((self.to, self.to_side, first(&self.relation.to_fields)), stop),
        ]
    }
}

/// Moves ends of different kinds apart.
fn spread(edges: &mut [Edge<'_>]) {
    let mut kinds: FxHashMap<Port, u8> = FxHashMap::default();
    for (port, kind) in edges.iter().flat_map(Edge::ports) {
        *kinds.entry(port).or_default() |= kind;
    }
    let shift = |(port, kind): (Port, u8)| {
        let all = kinds[&port];
        let place = (all & (kind - 1)).count_ones() as i32;
        match all.count_ones() {
            1 => 0,
            2 => place * 9 - 4,
            _ => place * 7 - 6,
        }
    };
    for edge in edges {
        let [from, to] = edge.ports();
        (edge.from_shift, edge.to_shift) = (shift(from), shift(to));
    }
}

/// Edges, and how many lanes each track has.
pub struct Routes<'a> {
    pub edges: Vec<Edge<'a>>,
    pub lanes: FxHashMap<Track, usize>,
}

/// Finds a way for each relation.
pub fn route<'a>(book: &Book<'a>, layout: &Layout) -> Routes<'a> {
    let mut routes = Routes { edges: Vec::new(), lanes: FxHashMap::default() };
    let mut taken: FxHashMap<(Track, EntityId), usize> = FxHashMap::default();
    let rough = Rough::new(layout);
    let drawn = layout.boxes.iter().filter(|shape| !shape.bare).map(|shape| book.model.entity(shape.id));
    let relations = drawn.flat_map(|entity| &entity.outgoing).map(|id| book.model.relation(*id));
    let mut relations: Vec<&'a Relation> = relations.collect();
    relations.sort_by_key(|relation| relation.id);
    for relation in relations {
        let (Some(&from), Some(&to)) = (layout.at.get(&relation.from), layout.at.get(&relation.to)) else { continue };
        let (from_side, to_side, tracks) = if layout.boxes[from].panel == layout.boxes[to].panel {
            inside(layout, from, to)
        } else {
            across(layout, &rough, from, to)
        };
        let mut lane = |track: Track| {
            let lanes = routes.lanes.entry(track).or_default();
            let lane = *taken.entry((track, relation.to)).or_insert_with(|| {
                *lanes += 1;
                *lanes - 1
            });
            (track, lane)
        };
        let tracks = tracks.into_iter().map(&mut lane).collect();
        routes.edges.push(Edge { relation, from, from_side, to, to_side, tracks, from_shift: 0, to_shift: 0 });
    }
    spread(&mut routes.edges);
    routes
}

type Way = (Side, Side, Vec<Track>);

/// In one panel.
fn inside(layout: &Layout, from: usize, to: usize) -> Way {
    let (child, parent) = (&layout.boxes[from], &layout.boxes[to]);
    let panel = child.panel;
    let channel = |n| Track::Channel(panel, n);
    let (c, p) = (child.column, parent.column);
    if p == c {
        return (Side::Right, Side::Right, vec![channel(c + 1)]);
    }
    let (sides, start, end) =
        if p < c { ((Side::Left, Side::Right), c, p + 1) } else { ((Side::Right, Side::Left), c + 1, p) };
    if start == end {
        return (sides.0, sides.1, vec![channel(start)]);
    }
    let wanted = (child.y + parent.y) / 2;
    let between = start.min(end)..start.max(end);
    (sides.0, sides.1, vec![channel(start), corridor(layout, panel, between, wanted), channel(end)])
}

/// The level way through the columns `between` that is nearest to the height `wanted`.
fn corridor(layout: &Layout, panel: usize, between: std::ops::Range<usize>, wanted: i32) -> Track {
    let mut filled: Vec<(i32, i32)> = Vec::new();
    for column in &layout.panels[panel].columns[between] {
        filled.extend(column.iter().map(|at| (layout.boxes[*at].y, layout.boxes[*at].y + layout.boxes[*at].height)));
    }
    filled.sort_unstable();
    let mut best: Option<i32> = None;
    let mut end = filled.first().map_or(0, |(_, end)| *end);
    for (top, bottom) in filled.into_iter().skip(1) {
        if top - end >= GAP {
            let y = wanted.clamp(end + GAP / 2, top - GAP / 2);
            if best.is_none_or(|best| (y - wanted).abs() < (best - wanted).abs()) {
                best = Some(y);
            }
        }
        end = end.max(bottom);
    }
    // The title's band is free too, and so is what lies under the lowest box.
    let below = if wanted > end + GAP / 2 { Some(wanted) } else { None };
    match (best, below) {
        (_, Some(y)) if y < layout.panels[panel].height => Track::Corridor(panel, y),
        (Some(y), _) if (y - wanted).abs() <= (end - wanted).abs() + GAP => Track::Corridor(panel, y),
        _ if end + GAP / 2 < layout.panels[panel].height - GAP / 2 => Track::Corridor(panel, end + GAP / 2),
        _ => Track::Bottom(panel),
    }
}

/// Rough places, for choices before lanes are counted.
struct Rough {
    /// Of panels, from the left.
    x: Vec<i32>,
    /// Of columns in panels.
    columns: Vec<Vec<i32>>,
    /// Of the gaps of layers.
    gaps: Vec<Vec<i32>>,
}

impl Rough {
    fn new(layout: &Layout) -> Self {
        let mut x = vec![0; layout.panels.len()];
        let mut gaps = Vec::new();
        for layer in &layout.layers {
            let mut at = 0;
            let mut places = vec![0];
            for &panel in layer {
                x[panel] = at;
                at += layout.panels[panel].column_widths.iter().map(|w| w + 70).sum::<i32>() + 130;
                places.push(at);
            }
            gaps.push(places);
        }
        let columns = layout.panels.iter().enumerate().map(|(panel, p)| {
            let mut at = x[panel] + 70;
            p.column_widths
                .iter()
                .map(|w| {
                    at += w + 70;
                    at - 70 - w / 2
                })
                .collect()
        });
        let columns = columns.collect();
        Self { x, columns, gaps }
    }
}

/// From one panel to another.
fn across(layout: &Layout, rough: &Rough, from: usize, to: usize) -> Way {
    let (child, parent) = (&layout.boxes[from], &layout.boxes[to]);
    let (a, b) = (&layout.panels[child.panel], &layout.panels[parent.panel]);
    let (start_x, end_x) = (rough.columns[child.panel][child.column], rough.columns[parent.panel][parent.column]);
    let (from_side, to_side) = if end_x < start_x { (Side::Left, Side::Right) } else { (Side::Right, Side::Left) };
    let channel = |panel: usize, column: usize, side: Side| {
        Track::Channel(panel, if side == Side::Left { column } else { column + 1 })
    };
    let start = channel(child.panel, child.column, from_side);
    let end = channel(parent.panel, parent.column, to_side);
    if a.layer == b.layer {
        let next = a.place.abs_diff(b.place) == 1;
        let facing = match from_side {
            Side::Left => {
                child.column == 0
                    && parent.column + 1 == b.columns.len()
                    && rough.x[child.panel] > rough.x[parent.panel]
            }
            Side::Right => {
                parent.column == 0
                    && child.column + 1 == a.columns.len()
                    && rough.x[child.panel] < rough.x[parent.panel]
            }
        };
        if next && facing {
            return (from_side, to_side, vec![start]);
        }
        let above = child.y + parent.y <= (a.height + b.height) / 2;
        let gutter = Track::Gutter(if above { a.layer } else { a.layer + 1 });
        return (from_side, to_side, vec![start, gutter, end]);
    }
    let mut tracks = vec![start];
    if a.layer > b.layer {
        tracks.push(Track::Gutter(a.layer));
        for layer in (b.layer + 1..a.layer).rev() {
            tracks.extend([gap(rough, layer, end_x), Track::Gutter(layer)]);
        }
    } else {
        tracks.push(Track::Gutter(a.layer + 1));
        for layer in a.layer + 1..b.layer {
            tracks.extend([gap(rough, layer, end_x), Track::Gutter(layer + 1)]);
        }
    }
    tracks.push(end);
    (from_side, to_side, tracks)
}

/// The gap of a layer that is nearest to `x`.
fn gap(rough: &Rough, layer: usize, x: i32) -> Track {
    let places = rough.gaps[layer].iter().enumerate();
    let nearest = places.min_by_key(|(n, place)| ((*place - x).abs(), *n));
    Track::Gap(layer, nearest.map_or(0, |(n, _)| n))
}

/// Distance of lanes.
const LANE: i32 = 7;
/// More lanes than this share.
const LANES: usize = 48;
/// Between a box and the first lane: room for a crow's foot.
const CLEAR: i32 = 22;

/// Coordinates.
pub struct Places {
    /// Of panels: left, top, width, height.
    pub panels: Vec<(i32, i32, i32, i32)>,
    /// Left edges of columns.
    columns: Vec<Vec<i32>>,
    channels: Vec<Vec<i32>>,
    gaps: Vec<Vec<i32>>,
    gutters: Vec<i32>,
    bottoms: Vec<i32>,
    pub width: i32,
    pub height: i32,
}

/// Gives everything its place, with `top` left free.
pub fn place(layout: &Layout, routes: &Routes<'_>, top: i32) -> Places {
    let lanes = |track: Track| routes.lanes.get(&track).map_or(0, |n| (*n).min(LANES) as i32);
    let count = layout.panels.len();
    let mut places = Places {
        panels: vec![(0, 0, 0, 0); count],
        columns: vec![Vec::new(); count],
        channels: vec![Vec::new(); count],
        gaps: Vec::new(),
        gutters: Vec::new(),
        bottoms: vec![0; count],
        width: 0,
        height: 0,
    };
    let mut y = top;
    for (layer, panels) in layout.layers.iter().enumerate() {
        places.gutters.push(y + 16);
        y += 32 + lanes(Track::Gutter(layer)) * LANE;
        let mut x = 16;
        let mut gaps = Vec::new();
        let mut tallest = 0;
        for (place, &panel) in panels.iter().enumerate() {
            gaps.push(x + 8);
            x += 24 + lanes(Track::Gap(layer, place)) * LANE;
            let shape = &layout.panels[panel];
            let left = x;
            for (column, width) in shape.column_widths.iter().enumerate() {
                let n = lanes(Track::Channel(panel, column));
                // Between columns there are boxes on both sides, at the border on one.
                let (before, after) = if column == 0 { (14, if n == 0 { 4 } else { CLEAR }) } else { (CLEAR, CLEAR) };
                places.channels[panel].push(x + before);
                x += before + (n - 1).max(0) * LANE + after;
                places.columns[panel].push(x);
                x += width;
            }
            let n = lanes(Track::Channel(panel, shape.column_widths.len()));
            places.channels[panel].push(x + CLEAR);
            x += if n == 0 { 18 } else { CLEAR + (n - 1) * LANE + 14 };
            let bottom = lanes(Track::Bottom(panel));
            places.bottoms[panel] = y + TITLE + shape.height + 16;
            let height = TITLE + shape.height + 18 + if bottom > 0 { 8 + bottom * LANE } else { 0 };
            places.panels[panel] = (left, y, x - left, height);
            tallest = tallest.max(height);
        }
        gaps.push(x + 16);
        x += 32 + lanes(Track::Gap(layer, panels.len())) * LANE;
        places.width = places.width.max(x);
        places.gaps.push(gaps);
        y += tallest;
    }
    places.gutters.push(y + 16);
    places.height = y + 32 + lanes(Track::Gutter(layout.layers.len())) * LANE;
    places
}

impl Places {
    /// Left and top of a box.
    pub fn corner(&self, layout: &Layout, at: usize) -> (i32, i32) {
        let shape = &layout.boxes[at];
        (self.columns[shape.panel][shape.column], self.panels[shape.panel].1 + TITLE + shape.y)
    }

    /// The coordinate of a lane: across the track's direction.
    fn lane(&self, track: Track, lane: usize) -> i32 {
        let shift = (lane % LANES) as i32 * LANE;
        match track {
            Track::Channel(panel, n) => self.channels[panel][n] + shift,
            Track::Gap(layer, n) => self.gaps[layer][n] + shift,
            // A corridor is narrow: its lanes lie on both sides of its middle.
            Track::Corridor(panel, y) => self.panels[panel].1 + TITLE + y + [0, 5, -5][lane % 3],
            Track::Bottom(panel) => self.bottoms[panel] + shift,
            Track::Gutter(n) => self.gutters[n] + shift,
        }
    }

    /// The corners of an edge's way, from box to box.
    pub fn points(&self, layout: &Layout, edge: &Edge<'_>) -> Vec<(i32, i32)> {
        let port = |at: usize, side: Side, field: Option<usize>| {
            let (x, y) = self.corner(layout, at);
            let x = if side == Side::Left { x } else { x + layout.boxes[at].width };
            (x, y + layout.boxes[at].port(field))
        };
        let start = port(edge.from, edge.from_side, edge.relation.fields.first().copied());
        let end = port(edge.to, edge.to_side, edge.relation.to_fields.first().copied());
        let (start, end) = ((start.0, start.1 + edge.from_shift), (end.0, end.1 + edge.to_shift));
        let mut points = vec![start];
        let mut at = start;
        for (n, &(track, lane)) in edge.tracks.iter().enumerate() {
            let to = self.lane(track, lane);
            at = if n % 2 == 0 { (to, at.1) } else { (at.0, to) };
            points.push(at);
        }
        points.extend([(at.0, end.1), end]);
        points
    }
}
