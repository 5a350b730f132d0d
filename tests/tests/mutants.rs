//! What `specc test --mutants` says of a changed rule is so: a database with that rule fails the tests that see it.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use specc_model::{Model, Target};
use specc_postgres::shared;
use specc_prove::Standing;
use specc_tests::replay::model_of_spec;
use specc_tests::{VERSIONS, specs};
use specc_trial::{Verdict, access, mutants, privileges, samples_of, verdict};
use specc_verify::{Ground, Made, Scratch, Server};

fn ground(server: &Server, model: &Model) -> (Ground, specc_catalog::Catalog) {
    let (catalog, found) = specc_lower::lower(model);
    assert!(!specc_diag::has_errors(&found), "{found:?}");
    let made = Made {
        catalog: &catalog,
        external: specc_trial::referred(model),
        roles: specc_prove::roles(model).iter().map(|role| role.name.to_string()).collect(),
    };
    (Ground::make(server, &made).unwrap(), catalog)
}

/// Of the largest spec, these entities.
const SOME: [&str; 4] = ["saved_jobs", "job_skills", "profiles", "startup_dashboards"];

/// So many mutants of each spec are made on a server.
const SAMPLE: usize = 6;

#[test]
fn a_database_with_a_changed_rule_fails_the_tests_that_see_it() {
    let mut tried = 0;
    for (nth, name) in specs().into_iter().enumerate() {
        let model = model_of_spec(&name);
        let only = |entity: &specc_model::Entity| name != "medellin_spark" || SOME.contains(&entity.name.name.as_str());
        let (matrix, all) = mutants(&model, &only);
        let server = Server::Private(Scratch::on(
            shared(VERSIONS[nth % VERSIONS.len()]),
            model.options.target == Target::Supabase,
        ));
        let samples = {
            let (mut whole, catalog) = ground(&server, &model);
            samples_of(&model, &whole.samples(&catalog).unwrap())
        };
        let suite = access(&model, &matrix, &samples);
        let fit = |at: &usize| all[*at].standing == Standing::Shown && all[*at].is_sql;
        let fit: Vec<usize> = (0..all.len()).filter(fit).collect();
        assert!(fit.len() > SAMPLE, "{name}: {}", fit.len());
        for at in fit.iter().copied().step_by(fit.len() / SAMPLE) {
            let mutant = &all[at];
            let (entity, predicates) = &*mutant.made;
            let mut changed = model.clone();
            changed.predicates.extend(predicates.iter().cloned());
            changed.entities[entity.id.0 as usize] = entity.clone();
            let (mut ground, _) = ground(&server, &changed);
            let wanted = privileges(&model, &|other| other.id == entity.id);
            let there = ground.privileges(&wanted).unwrap();
            let mut seen = wanted.iter().zip(&there).any(|(privilege, there)| privilege.expected != *there);
            for run in suite.runs.iter().filter(|run| run.kills.contains(&at)) {
                let got = ground.run(run).unwrap().unwrap();
                seen |= run.tries.iter().zip(&got.got).any(|(one, got)| verdict(&one.expected, got) == Verdict::Failed);
            }
            assert!(seen, "{name}: {} `{}`: {}", mutant.entity, mutant.rule, mutant.words);
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn the_tests_of_the_specs_see_every_changed_rule() {
    for name in specs() {
        let model = model_of_spec(&name);
        let only = |entity: &specc_model::Entity| name != "medellin_spark" || SOME.contains(&entity.name.name.as_str());
        let (matrix, all) = mutants(&model, &only);
        let killed: std::collections::BTreeSet<usize> = matrix.trials.iter().flat_map(|t| t.kills.clone()).collect();
        let score = specc_trial::Score::of(&all, &killed);
        assert!(score.killed > 30 && score.live.is_empty() && score.open.is_empty(), "{name}: {score:?}");
        assert!(score.same + score.likely_same < all.len() / 10, "{name}: {score:?}");
    }
}
