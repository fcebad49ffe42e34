//! `HEALTHCHECK`.

use std::time::Duration;

use super::choice;
use crate::arguments::{Arguments, BLANKS};
use crate::error::{Fault, Reason, shortened};
use crate::suggestion::nearest;
use crate::{Healthcheck, HealthcheckTest, Remark, Spanned};

const FLAGS: [&str; 5] = ["interval", "timeout", "start-period", "start-interval", "retries"];

pub(super) fn healthcheck(
    arguments: &mut Arguments<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<Healthcheck, Fault> {
    let flagged = !arguments.flags.is_empty();
    let interval = duration(arguments.value("interval")?, "interval")?;
    let timeout = duration(arguments.value("timeout")?, "timeout")?;
    let start_period = duration(arguments.value("start-period")?, "start-period")?;
    let start_interval = duration(arguments.value("start-interval")?, "start-interval")?;
    let retries = arguments.value("retries")?;
    // Stored in 32 bits with a sign.
    let retries = choice(retries, "retries", "a whole number from 0", |text| {
        text.parse::<i32>().ok().and_then(|number| u32::try_from(number).ok())
    })?;
    let retries = retries.map(|retries| retries.value);
    arguments.no_more_flags(&FLAGS)?;
    arguments.required("`CMD` or `NONE`")?;
    let test = test(arguments, flagged, remarks)?;
    Ok(Healthcheck { test, interval, timeout, start_period, start_interval, retries })
}

fn test(
    arguments: &mut Arguments<'_>,
    flagged: bool,
    remarks: &mut Vec<Remark>,
) -> Result<HealthcheckTest, Fault> {
    let text = arguments.text();
    let word = &text[..text.find(BLANKS).unwrap_or(text.len())];
    let span = arguments.span(0..word.len());
    let rest = text[word.len()..].trim_start();
    if word.eq_ignore_ascii_case("NONE") {
        return if flagged || !rest.is_empty() {
            Err(Fault::new(Reason::HealthcheckNone, arguments.span(0..text.len())))
        } else {
            Ok(HealthcheckTest::None)
        };
    }
    if !word.eq_ignore_ascii_case("CMD") {
        let suggestion = nearest(word, ["CMD", "NONE"]).map(str::to_owned);
        let reason = Reason::HealthcheckKind { word: shortened(word), suggestion };
        return Err(Fault::new(reason, span));
    }
    arguments.rest.start = arguments.rest.end - rest.len();
    arguments.required("a command after `CMD`")?;
    match super::command(arguments, remarks)? {
        crate::Command::Exec(words) if words.is_empty() => {
            Err(arguments.missing("a command after `CMD`"))
        }
        command => Ok(HealthcheckTest::Command(command)),
    }
}

fn duration(flag: Option<Spanned<String>>, name: &'static str) -> Result<Option<Duration>, Fault> {
    let expected = "0, or at least one millisecond, for example `30s` or `1m30s`";
    let read = |text: &str| {
        crate::duration::parse(text)
            .filter(|duration| duration.is_zero() || *duration >= Duration::from_millis(1))
    };
    Ok(choice(flag, name, expected, read)?.map(|duration| duration.value))
}
