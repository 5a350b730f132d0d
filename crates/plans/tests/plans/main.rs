//! Plans without rows against those of a server that has them.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout)]

mod filled;
mod spec;

use specc_plans::{Planned, Session, plan_all, stage};
use specc_postgres::shared;
use specc_verify::Scratch;
use std::time::Instant;

const VERSIONS: [u32; 2] = [15, 18];

fn shapes(planned: &[Planned<'_>]) -> Vec<(String, String)> {
    let shape = |one: &Planned<'_>| match &one.plan {
        Ok(plan) => plan.shape(),
        Err(why) => format!("refused: {why}\n"),
    };
    planned.iter().map(|one| (one.query.name.to_string(), shape(one))).collect()
}

/// Nodes, indexes and the order of joins are those of a server that has the rows.
#[test]
fn plans_without_rows_are_those_with_rows() {
    let made = spec::made(spec::EVENTS);
    let mut failed = String::new();
    for major in VERSIONS {
        let scratch = Scratch::on(shared(major), true);
        let empty = stage(&scratch, &made.catalog, &made.sizes).unwrap();
        let told = shapes(&plan_all(&empty, &made.model, &made.sizes).unwrap());
        let full = scratch.made(&made.catalog).unwrap();
        let start = Instant::now();
        filled::fill(&full, &made.sizes);
        println!("{major}: filled in {:.1} s", start.elapsed().as_secs_f64());
        if std::env::var_os("PLANS_PAGES").is_some() {
            filled::compare_pages(&full, &empty);
        }
        let real = shapes(&plan_all(&full, &made.model, &made.sizes).unwrap());
        assert!(real.len() >= 20, "{} queries", real.len());
        let other: Vec<_> = told.iter().zip(&real).filter(|(told, real)| told != real).collect();
        println!("{major}: {} of {} plans are equal", real.len() - other.len(), real.len());
        for ((name, told), (_, real)) in &other {
            println!("--- {name} on {major}, told:\n{told}--- with rows:\n{real}");
            if std::env::var_os("PLANS_PAGES").is_some() {
                let query = made.model.queries.iter().find(|query| query.name == *name).unwrap();
                for database in [&empty, &full] {
                    let plan = Session::new(database, &made.model, &made.sizes).plan(query).unwrap();
                    plan.unwrap().visit(&mut |node| {
                        println!(
                            "{} {:?} rows {} cost {} {:?} {:?}",
                            node.kind, node.index, node.rows, node.cost, node.sought, node.filter
                        );
                    });
                    println!();
                }
            }
        }
        for (name, shape) in real.iter().filter(|(_, shape)| shape.starts_with("refused")) {
            println!("{name}: {shape}");
        }
        if other.len() * 20 > real.len() {
            failed.push_str(&format!("{major}: {} of {}\n", other.len(), real.len()));
        }
        assert!(!real.iter().any(|(_, shape)| shape.starts_with("refused")), "all are planned: {real:?}");
    }
    assert!(failed.is_empty(), "{failed}");
}

/// The same plan each time, whoever was there before.
#[test]
fn plans_do_not_change_from_run_to_run() {
    let made = spec::made(spec::EVENTS);
    let scratch = Scratch::on(shared(18), true);
    let first =
        shapes(&plan_all(&stage(&scratch, &made.catalog, &made.sizes).unwrap(), &made.model, &made.sizes).unwrap());
    for _ in 0..19 {
        let database = stage(&scratch, &made.catalog, &made.sizes).unwrap();
        let mut session = Session::new(&database, &made.model, &made.sizes);
        for (query, (_, shape)) in made.model.queries.iter().zip(&first) {
            assert_eq!(session.plan(query).unwrap().unwrap().shape(), *shape, "{}", query.name);
        }
    }
}
