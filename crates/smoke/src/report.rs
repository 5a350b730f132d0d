//! What was asked, what came of it, and how long it took.

use crate::exchange::{Exchange, came};
use crate::send::Reply;
use serde_json::{Value, json};
use specc_diag::TestCase;
use specc_trial::{Skipped, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// A request that was made.
#[derive(Clone, Debug)]
pub struct Tried {
    /// What was asked, and what should come of it.
    pub exchange: Exchange,
    /// What came of it.
    pub reply: Reply,
    /// Whether that is the same.
    pub verdict: Verdict,
}

/// How long requests took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// How many there were.
    pub requests: usize,
    /// Half of them took no longer.
    pub p50: u64,
    /// 95 of 100.
    pub p95: u64,
    /// 99 of 100.
    pub p99: u64,
}

impl Spread {
    /// Of these times; none where there is none.
    pub fn of(mut times: Vec<u64>) -> Option<Self> {
        times.sort_unstable();
        // The smallest time that so many do not pass.
        let at = |part: usize| {
            let rank = (times.len() * part).div_ceil(100);
            times.get(rank.saturating_sub(1)).copied()
        };
        Some(Self { requests: times.len(), p50: at(50)?, p95: at(95)?, p99: at(99)? })
    }
}

/// All requests.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order in which they were made.
    pub tried: Vec<Tried>,
    /// What was not asked.
    pub skipped: Vec<Skipped>,
    /// Entities of which whoever connects does not see all rows: nothing of them is known.
    pub blind: BTreeSet<String>,
    /// Databases that were made.
    pub databases: usize,
    /// The role of who has not signed in.
    pub anon: String,
}

impl Report {
    /// For who has not signed in as `anon`.
    pub fn new(anon: &str) -> Self {
        Self { anon: anon.to_owned(), ..Self::default() }
    }

    /// Adds what came of a request. What something else than the rules refused was not seen to be right or wrong.
    pub fn add(&mut self, exchange: Exchange, mut reply: Reply) {
        // Nobody's rows are kept.
        reply.body.clear();
        match exchange.verdict(&reply, &self.anon) {
            Verdict::NotSeen(why) => {
                self.skip(&exchange, format!("the rules let it pass, and something else refuses it: {why}"))
            }
            verdict => self.tried.push(Tried { exchange, reply, verdict }),
        }
    }

    /// Adds what could not be asked.
    pub fn skip(&mut self, exchange: &Exchange, why: String) {
        self.skipped.push(Skipped {
            entity: exchange.entity.clone(),
            what: format!("{} as {}", exchange.request.line(), exchange.request.role),
            why,
            span: exchange.rules.first().copied(),
        });
    }

    /// What came out otherwise than it should.
    pub fn failures(&self) -> impl Iterator<Item = &Tried> {
        self.tried.iter().filter(|one| one.verdict == Verdict::Failed)
    }

    /// How long requests took, by method; `*` for all together.
    pub fn spreads(&self) -> Vec<(&'static str, Spread)> {
        let mut times: BTreeMap<&'static str, Vec<u64>> = BTreeMap::new();
        for one in &self.tried {
            let call = one.exchange.request.path.starts_with("/rpc/");
            let word = if call { "RPC" } else { one.exchange.request.method.word() };
            for word in [word, "*"] {
                times.entry(word).or_default().push(one.reply.micros);
            }
        }
        times.into_iter().filter_map(|(word, times)| Some((word, Spread::of(times)?))).collect()
    }

    /// How long the requests of each entity took, the slowest first.
    pub fn by_entity(&self) -> Vec<(&str, Spread)> {
        let mut times: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for one in &self.tried {
            times.entry(&one.exchange.entity).or_default().push(one.reply.micros);
        }
        let mut all: Vec<_> = times.into_iter().filter_map(|(name, times)| Some((name, Spread::of(times)?))).collect();
        all.sort_by_key(|(name, spread)| (std::cmp::Reverse(spread.p95), *name));
        all
    }

    /// As JSON.
    pub fn json(&self, seconds: f64) -> Value {
        let tried = self.tried.iter().map(|one| {
            json!({
                "entity": one.exchange.entity,
                "kind": one.exchange.kind.word(),
                "role": one.exchange.request.role,
                "method": one.exchange.request.method.word(),
                "request": one.exchange.request.line(),
                "body": one.exchange.request.body,
                "prefer": one.exchange.request.prefer,
                "status": one.reply.status,
                "expected": one.exchange.expected(&self.anon),
                "got": came(&one.reply),
                "micros": one.reply.micros,
                "passed": one.verdict == Verdict::Passed,
            })
        });
        let skipped = self.skipped.iter().map(|one| json!({ "entity": one.entity, "what": one.what, "why": one.why }));
        let spread = |spread: &Spread| json!({ "requests": spread.requests, "p50": spread.p50, "p95": spread.p95, "p99": spread.p99 });
        let times: serde_json::Map<String, Value> =
            self.spreads().iter().map(|(word, one)| ((*word).to_owned(), spread(one))).collect();
        let entities: serde_json::Map<String, Value> =
            self.by_entity().iter().map(|(name, one)| ((*name).to_owned(), spread(one))).collect();
        json!({
            "requests": tried.collect::<Vec<_>>(),
            "not_asked": skipped.collect::<Vec<_>>(),
            "microseconds": { "methods": times, "entities": entities },
            "databases": self.databases,
            "not_seen": self.blind,
            "failed": self.failures().count(),
            "seconds": seconds,
        })
    }

    /// As cases of JUnit, each with a name of its own.
    pub fn cases(&self) -> Vec<TestCase> {
        let mut cases = Vec::new();
        for (at, one) in self.tried.iter().enumerate() {
            let exchange = &one.exchange;
            let failure = (one.verdict == Verdict::Failed).then(|| {
                format!(
                    "expected {}, got {}\n{}\n{}",
                    exchange.expected(&self.anon),
                    came(&one.reply),
                    exchange.lines.join("\n"),
                    exchange.request.prepared.sql
                )
            });
            cases.push(TestCase {
                class: format!("smoke.{}", exchange.entity),
                name: format!("{} as {} #{}", exchange.request.line(), exchange.request.role, at + 1),
                failure,
                skipped: None,
            });
        }
        for (at, one) in self.skipped.iter().enumerate() {
            cases.push(TestCase {
                class: format!("not asked.{}", one.entity),
                name: format!("{} #{}", one.what, at + 1),
                failure: None,
                skipped: Some(one.why.clone()),
            });
        }
        cases
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_times_that_were_taken() {
        assert_eq!(Spread::of(Vec::new()), None);
        assert_eq!(Spread::of(vec![7]), Some(Spread { requests: 1, p50: 7, p95: 7, p99: 7 }));
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(Spread::of(hundred), Some(Spread { requests: 100, p50: 50, p95: 95, p99: 99 }));
    }
}
