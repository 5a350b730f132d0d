//! What would run, as one number: who approved it approved these files in this order, byte for byte, and nothing else.

use crate::apply::Options;
use crate::run::Job;
use crate::{Migration, Refused};
use std::fmt::Write as _;

/// The SHA-256 of all that would be run; empty where nothing would.
pub(crate) fn hash(jobs: &[Job<'_>], options: &Options) -> String {
    if jobs.is_empty() {
        return String::new();
    }
    let mut all = String::from(if options.abandon { "abandon\n" } else { "" });
    for job in jobs {
        let title = |migration: &Migration| format!("{}_{}", migration.stamp, migration.name);
        let with: Vec<String> = job.with.iter().map(|migration| title(migration)).collect();
        let text = specc_catalog::checksum(&job.file.text);
        let way = if job.down { "down" } else { "up" };
        let _ = writeln!(all, "{way} {} {} {text}", title(job.migration), with.join(" "));
    }
    for (word, steps) in [("done", &options.mark_done), ("again", &options.run_again)] {
        steps.iter().for_each(|step| all.push_str(&format!("{word} {step}\n")));
    }
    specc_catalog::checksum(all)
}

/// Refuses what is not what was approved.
pub(crate) fn check(plan: &str, options: &Options) -> Result<(), Refused> {
    match &options.approve {
        Some(approved) if !plan.is_empty() && *approved != plan => Err(Refused::new(format!(
            "what would run has the hash {plan}, which is not the one that was approved"
        ))
        .help("`specc apply --dry-run` shows what would run and its hash; what runs is what was approved, or nothing")),
        _ => Ok(()),
    }
}
