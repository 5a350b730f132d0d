//! The states of a workflow and the steps between them.

use super::escape;
use specc_model::Workflow;
use std::fmt::Write;

const HEIGHT: i32 = 32;
/// Between boxes of a column.
const GAP: i32 = 26;
/// Between columns.
const WAY: i32 = 84;
/// Width of a character.
const CHAR: i32 = 8;

/// Where a state stands.
struct Place {
    x: i32,
    y: i32,
    width: i32,
    column: usize,
}

/// Draws: columns by how many steps lead there, steps forward from right to left side, all others as arcs above and below.
pub fn draw(workflow: &Workflow) -> String {
    let edges = edges(workflow);
    let columns = columns(workflow, &edges);
    let deep = |forward: bool| {
        let spans = edges.iter().map(|(from, to)| (columns[*from], columns[*to]));
        let spans = spans.filter(|(from, to)| if forward { to > &(from + 1) } else { to <= from });
        spans.map(|(from, to)| lift(from, to)).max().unwrap_or(0)
    };
    let (above, below) = (deep(true) + 16, deep(false) + 16);
    let tallest = (0..=columns.iter().copied().max().unwrap_or(0)).map(|n| columns.iter().filter(|c| **c == n).count());
    let inner = tallest.max().unwrap_or(1) as i32 * (HEIGHT + GAP) - GAP;
    let (places, width) = places(workflow, &columns, above, inner);
    let height = above + inner + below;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>States and the steps between them</title>\n<g class=\"e\" stroke=\"#52606d\">\n"
    );
    for (at, (from, to)) in edges.iter().enumerate() {
        step(workflow, at, (&places[*from], &places[*to]), (above, inner), &mut out);
    }
    out.push_str("</g>\n");
    for (at, place) in places.iter().enumerate() {
        state(workflow, at, place, &edges, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

/// Each step as the places of its states.
fn edges(workflow: &Workflow) -> Vec<(usize, usize)> {
    let at = |state: &str| workflow.states.iter().position(|known| known == state).unwrap_or(0);
    workflow.steps.iter().map(|step| (at(&step.from), at(&step.to))).collect()
}

/// How many steps lead to each state from where rows start; a state that is first reached from nowhere is a start.
fn columns(workflow: &Workflow, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut found: Vec<Option<usize>> = vec![None; workflow.states.len()];
    let starts = (0..found.len()).filter(|at| match workflow.initial.is_empty() {
        true => edges.iter().all(|(from, to)| to != at || from == to),
        false => workflow.initial.contains(&workflow.states[*at]),
    });
    let mut queue: std::collections::VecDeque<usize> = starts.collect();
    queue.iter().for_each(|at| found[*at] = Some(0));
    loop {
        while let Some(at) = queue.pop_front() {
            let next = found[at].unwrap_or(0) + 1;
            for (_, to) in edges.iter().filter(|(from, _)| *from == at) {
                if found[*to].is_none() {
                    found[*to] = Some(next);
                    queue.push_back(*to);
                }
            }
        }
        let Some(left) = found.iter().position(Option::is_none) else { break };
        found[left] = Some(0);
        queue.push_back(left);
    }
    found.into_iter().map(|column| column.unwrap_or(0)).collect()
}

fn places(workflow: &Workflow, columns: &[usize], top: i32, inner: i32) -> (Vec<Place>, i32) {
    let width = |at: usize| (workflow.states[at].chars().count() as i32 * CHAR + 28).min(320);
    let mut places: Vec<Place> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| Place { x: 0, y: 0, width: width(at), column: *column })
        .collect();
    let mut x = 24;
    for column in 0..=columns.iter().copied().max().unwrap_or(0) {
        let here: Vec<usize> = (0..columns.len()).filter(|at| columns[*at] == column).collect();
        let widest = here.iter().map(|at| width(*at)).max().unwrap_or(0);
        let mut y = top + (inner - (here.len() as i32 * (HEIGHT + GAP) - GAP)) / 2;
        for at in here {
            (places[at].x, places[at].y) = (x + (widest - places[at].width) / 2, y);
            y += HEIGHT + GAP;
        }
        x += widest + WAY;
    }
    (places, x - WAY + 24)
}

/// How far an arc between two columns stands off.
fn lift(from: usize, to: usize) -> i32 {
    16 + 14 * from.abs_diff(to) as i32
}

/// A step, dashed where it has a condition.
fn step(workflow: &Workflow, at: usize, ends: (&Place, &Place), (above, inner): (i32, i32), out: &mut String) {
    let (from, to) = ends;
    let step = &workflow.steps[at];
    let when = step.when.as_ref().map(|when| format!(" when {}", crate::text::line(&when.text))).unwrap_or_default();
    let _ = write!(out, "<g><title>{}</title>", escape(&format!("{} → {}{when}", step.from, step.to)));
    let dash = if when.is_empty() { "" } else { " stroke-dasharray=\"5 3\"" };
    let (mid_from, mid_to) = (from.x + from.width / 2, to.x + to.width / 2);
    let (path, tip) = if to.column == from.column + 1 {
        let (x1, y1, x2, y2) = (from.x + from.width, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2);
        let bend = (x2 - x1) / 2;
        (
            format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + bend, x2 - bend),
            format!("M{} {}L{x2} {y2}L{} {}", x2 - 8, y2 - 4, x2 - 8, y2 + 4),
        )
    } else if from.column == to.column && from.y != to.y {
        // Beside the column, to the right.
        let (x1, y1) = (from.x + from.width, from.y + HEIGHT / 2);
        let (x2, y2) = (to.x + to.width, to.y + HEIGHT / 2 + if from.y > to.y { 6 } else { -6 });
        let x = x1.max(x2) + 26;
        (
            format!("M{x1} {y1}C{x} {y1} {x} {y2} {x2} {y2}"),
            format!("M{} {}L{x2} {y2}L{} {}", x2 + 8, y2 - 4, x2 + 8, y2 + 4),
        )
    } else {
        let forward = to.column > from.column;
        let (y1, y2, far) = match forward {
            true => (from.y, to.y, above - lift(from.column, to.column) * 4 / 3),
            false => (from.y + HEIGHT, to.y + HEIGHT, above + inner + lift(from.column, to.column) * 4 / 3),
        };
        let (x1, x2) = if mid_from == mid_to { (mid_from + 12, mid_to - 12) } else { (mid_from, mid_to) };
        let back = if forward { -8 } else { 8 };
        (
            format!("M{x1} {y1}C{x1} {far} {x2} {far} {x2} {y2}"),
            format!("M{} {}L{x2} {y2}L{} {}", x2 - 4, y2 + back, x2 + 4, y2 + back),
        )
    };
    let _ = writeln!(out, "<path d=\"{path}\"{dash}/><path d=\"{tip}\"/></g>");
}

/// A state: filled where a row may start, with a double border where no step leaves.
fn state(workflow: &Workflow, at: usize, place: &Place, edges: &[(usize, usize)], out: &mut String) {
    let name = &workflow.states[at];
    let Place { x, y, width, .. } = place;
    let starts = workflow.initial.contains(name);
    let ends = edges.iter().all(|(from, _)| *from != at);
    let fill = if starts { "hsl(212,60%,92%)" } else { "#fff" };
    let _ = write!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" rx=\"16\" fill=\"{fill}\" stroke=\"hsl(212,45%,40%)\" stroke-width=\"1.4\"/>"
    );
    if ends {
        let _ = write!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"13\" fill=\"none\" stroke=\"hsl(212,45%,40%)\"/>",
            x + 3,
            y + 3,
            width - 6,
            HEIGHT - 6
        );
    }
    let _ = writeln!(
        out,
        "<text class=\"v\" x=\"{}\" y=\"{}\">{}</text>",
        x + width / 2,
        y + HEIGHT / 2 + 4,
        escape(&crate::text::cut(name, 36))
    );
}
