//! A `CronJob`: what its Jobs will do is another day's matter.

use super::Verdict;
use crate::Object;

pub(super) fn judge(object: &Object) -> Verdict {
    let id = object.id();
    if object.at("/spec/suspend").is_some_and(|suspend| suspend == true) {
        return Verdict::complete(format!("{id} is suspended"));
    }
    match object.text("/spec/schedule") {
        Some(schedule) => Verdict::complete(format!("{id} runs at \"{schedule}\"")),
        None => Verdict::complete(format!("{id} is as specified")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::told;

    #[test]
    fn one_that_is_written_is_complete() {
        for (rest, expected) in [
            (json!({"metadata": {"generation": 1}}), "complete: cronjob/n is as specified"),
            (json!({"status": null}), "complete: cronjob/n is as specified"),
            (
                json!({"spec": {"schedule": "0 3 * * *"}, "status": {"active": [{"name": "n-1"}]}}),
                "complete: cronjob/n runs at \"0 3 * * *\"",
            ),
            (
                json!({"spec": {"schedule": "0 3 * * *", "suspend": true}}),
                "complete: cronjob/n is suspended",
            ),
        ] {
            assert_eq!(told("batch/v1", "CronJob", rest.clone()), expected, "{rest}");
        }
    }
}
