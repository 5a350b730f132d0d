//! What `specc test` says of constraints is so: a database without one of them fails the tests that see it.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use specc_catalog::{Catalog, Object, Rule};
use specc_model::{Model, Target};
use specc_postgres::shared;
use specc_tests::replay::model_of_spec;
use specc_tests::{VERSIONS, specs};
use specc_trial::{Run, Verdict, constraints, samples_of, verdict};
use specc_verify::{Ground, Made, Scratch, Server};

fn ground(server: &Server, model: &Model, catalog: &Catalog) -> Ground {
    let made = Made {
        catalog,
        external: specc_trial::referred(model),
        roles: specc_prove::roles(model).iter().map(|role| role.name.to_string()).collect(),
    };
    Ground::make(server, &made).unwrap()
}

/// So many promises of each spec are dropped.
const SAMPLE: usize = 6;

/// Of the largest spec, these entities.
const SOME: [&str; 4] = ["events", "startup_members", "job_skills", "profiles"];

/// The name between backticks.
fn named(what: &str) -> &str {
    what.split('`').nth(1).unwrap_or_default()
}

#[test]
fn a_database_without_a_constraint_fails_the_tests_that_see_it() {
    let mut tried = 0;
    for (nth, name) in specs().into_iter().enumerate() {
        let model = model_of_spec(&name);
        let (catalog, found) = specc_lower::lower(&model);
        assert!(!specc_diag::has_errors(&found), "{found:?}");
        let only = |entity: &specc_model::Entity| name != "medellin_spark" || SOME.contains(&entity.name.name.as_str());
        let server = Server::Private(Scratch::on(
            shared(VERSIONS[nth % VERSIONS.len()]),
            model.options.target == Target::Supabase,
        ));
        let mut whole = ground(&server, &model, &catalog);
        let samples = samples_of(&model, &whole.samples(&catalog).unwrap());
        let suite = constraints(&model, &samples, &only, &mut whole);
        let failed = |ground: &mut Ground, run: &Run, at: Option<usize>| {
            let got = match ground.run(run).unwrap() {
                Ok(outcome) => outcome.got,
                Err(why) => panic!("{name}: {}: {why}", run.entity),
            };
            let asked = run.tries.iter().zip(&got).filter(|(one, _)| at.is_none_or(|at| one.sees.contains(&at)));
            asked.filter(|(one, got)| verdict(&one.expected, got) == Verdict::Failed).count()
        };
        for run in &suite.runs {
            assert_eq!(failed(&mut whole, run, None), 0, "{name}: {}: {:?}", run.entity, run.lines);
        }
        // A key is what others need; a check, a reference and an index can go alone.
        let fit = |at: &usize| {
            let what = &suite.promises[*at].what;
            let kind = what.starts_with("check") || what.starts_with("reference") && !what.contains(": on delete");
            kind && !what.contains("domain")
                && suite.runs.iter().flat_map(|run| &run.tries).any(|t| t.sees.contains(at))
        };
        let fit: Vec<usize> = (0..suite.promises.len()).filter(fit).collect();
        assert!(fit.len() > SAMPLE, "{name}: {}", fit.len());
        for at in fit.iter().copied().step_by(fit.len() / SAMPLE) {
            let promised = &suite.promises[at];
            let mut without = catalog.clone();
            let is_it = |object: &Object| match object {
                Object::Constraint(one) => {
                    let kind = matches!(one.rule, Rule::Check { .. } | Rule::ForeignKey(_));
                    kind && one.name == named(&promised.what) && promised.entity.ends_with(one.table.name.as_str())
                }
                _ => false,
            };
            without.retain(|_, entry| !is_it(&entry.object));
            assert_eq!(without.iter().count() + 1, catalog.iter().count(), "{name}: {}", promised.what);
            let mut ground = ground(&server, &model, &without);
            let sees = |run: &&Run| run.tries.iter().any(|one| one.sees.contains(&at));
            let seen: usize = suite.runs.iter().filter(sees).map(|run| failed(&mut ground, run, Some(at))).sum();
            assert!(seen > 0, "{name}: {}: {}", promised.entity, promised.what);
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}
