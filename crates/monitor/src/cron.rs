//! How often a job runs, from what says so.

/// The longest time in seconds between two runs, roughly: to see that one is missing.
pub(crate) fn longest_gap(schedule: &str) -> u64 {
    const DAY: u64 = 86_400;
    let schedule = schedule.trim();
    if let Some(seconds) = schedule.strip_suffix("seconds").or_else(|| schedule.strip_suffix("second")) {
        return seconds.trim().parse().unwrap_or(60);
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else { return DAY };
    match (*month != "*", *day != "*", *weekday != "*") {
        (true, ..) => 366 * DAY,
        (_, true, false) => 31 * DAY,
        (_, _, true) => 7 * DAY,
        _ => match (every(hour, 24), every(minute, 60)) {
            // At some hours only.
            (hours, _) if *hour != "*" => hours * 3600,
            (_, minutes) => minutes * 60,
        },
    }
}

/// The longest gap between the values of a field that wraps around at `most`.
fn every(field: &str, most: u64) -> u64 {
    let mut at: Vec<u64> = Vec::new();
    for part in field.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step = step.parse().unwrap_or(1).max(1);
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (first.parse().unwrap_or(0), last.parse().unwrap_or(most - 1)),
            None if range == "*" => (0, most - 1),
            None => {
                let one = range.parse().unwrap_or(0);
                (one, if part.contains('/') { most - 1 } else { one })
            }
        };
        let mut value: u64 = first;
        while value <= last.min(most - 1) {
            at.push(value);
            value += step;
        }
    }
    at.sort_unstable();
    at.dedup();
    let (Some(first), Some(last)) = (at.first(), at.last()) else { return most };
    let around = first + most - last;
    at.windows(2).map(|pair| pair[1] - pair[0]).chain([around]).max().unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::longest_gap;

    #[test]
    fn a_schedule_says_when_a_run_is_missing() {
        for (schedule, seconds) in [
            ("* * * * *", 60),
            ("*/5 * * * *", 300),
            ("0 * * * *", 3600),
            ("0 2 * * *", 86_400),
            ("0 2,14 * * *", 12 * 3600),
            ("0 */6 * * *", 6 * 3600),
            ("0 9-17 * * *", 16 * 3600),
            ("0 2 * * 1", 7 * 86_400),
            ("0 2 1 * *", 31 * 86_400),
            ("0 2 1 1 *", 366 * 86_400),
            ("30 seconds", 30),
        ] {
            assert_eq!(longest_gap(schedule), seconds, "{schedule}");
        }
    }
}
