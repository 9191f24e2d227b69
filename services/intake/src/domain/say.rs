//! What is said to somebody who reports, in Chinese and English. Data beside it: `self_help.toml`.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::report::{KnownOutage, Triage};

/// The same in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Phrase {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

#[derive(Deserialize)]
struct Script {
    step: Vec<Phrase>,
}

static SELF_HELP: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    let script: Script =
        toml::from_str(include_str!("self_help.toml")).expect("the embedded script is read by a test");
    script.step
});

/// What a customer can try, in order.
pub fn self_help() -> &'static [Phrase] {
    &SELF_HELP
}

fn phrase(zh: impl Into<String>, en: impl Into<String>) -> Phrase {
    Phrase {
        zh: zh.into(),
        en: en.into(),
    }
}

/// What to say about a report.
pub fn say(triage: &Triage, danger: bool, zone: &str) -> Phrase {
    if danger {
        return phrase(
            "请立即远离,至少十米,不要触碰任何导线或落水物体,也不要让别人靠近。有人受伤或着火请拨打120、119。我们马上派人。",
            "Keep away, at least 10 metres, touch no wire and nothing it touches, and keep others away. If somebody is hurt \
             or there is fire call 120 or 119. We are sending people at once.",
        );
    }
    match triage {
        Triage::New => phrase(
            "您的报修已受理,我们马上派人处理。",
            "We have your report and are sending people.",
        ),
        Triage::Undetermined => phrase(
            "您的报修已受理。原因还不能确定,我们按供电设施故障马上派人处理。",
            "We have your report. We cannot say yet what it is; we treat it as a fault of ours and send people.",
        ),
        Triage::KnownOutage(known) => known_outage(known, zone),
        Triage::CustomerSide => phrase(
            "您的邻居有电,可能是您家内部的故障。请按下面的步骤试一试;没有解决我们就派人上门。",
            "Your neighbours have supply, so it may be inside your home. Please try these steps; if they do not help we send \
             somebody.",
        ),
        Triage::Cut(_) => phrase(
            "您的供电因电费未结清已停止。结清后会自动安排复电,最迟24小时。如有疑问请告诉我们,我们可以人工核对。",
            "Your supply was stopped because a bill is unpaid. Once that is settled it is restored without asking again, \
             within 24 hours. If you think this is wrong tell us and a person will check.",
        ),
        Triage::Prepaid => phrase(
            "您的预付电费已用完,电表已断开。请在手机应用、营业厅或通过本热线充值;到账后电表会自动合闸,或按电表上的按键合闸,合闸前请先关闭\
             大功率电器。充值后半小时仍没有电,请再次报修,我们马上派人。",
            "Your credit is used up and the meter has switched off. Top up in the app, at a service hall or on this line; when it \
             arrives the meter switches on by itself, or when you press its button. Switch large appliances off before. If \
             you are still off half an hour after topping up, report again and we send somebody at once.",
        ),
        Triage::OwnRequest(_) => phrase(
            "您的供电是按您的申请停止的。需要恢复请告诉我们。",
            "Your supply was stopped at your own request. Tell us when you want it back.",
        ),
        Triage::Left => phrase(
            "这个户号的用电已经终止。您的报修已保留;请告诉我们现在的户号或地址,以便派人到正确的地方。",
            "The supply of this account has ended. Your report is kept; please tell us your present account or address so that \
             we send people to the right place.",
        ),
    }
}

fn known_outage(known: &KnownOutage, zone: &str) -> Phrase {
    let planned = known.class == "PLANNED" || known.class == "TEMPORARY";
    let (zh, en) = if planned {
        (
            "您所在的位置正在计划停电检修",
            "There is planned work where you are",
        )
    } else {
        (
            "您所在的位置正在停电,我们已经知道并在处理",
            "We know that you are off and are working on it",
        )
    };
    match known.etr_at {
        Some(at) => phrase(
            format!(
                "{zh},给您带来不便,非常抱歉。预计{}恢复供电。",
                local(at, zone, "%m月%d日%H:%M")
            ),
            format!(
                "{en}. We are sorry for the trouble. We expect supply back at {}.",
                local(at, zone, "%H:%M on %e %B").trim()
            ),
        ),
        None => phrase(
            format!("{zh},给您带来不便,非常抱歉。恢复时间还不能确定,确定后会告诉您。"),
            format!(
                "{en}. We are sorry for the trouble. We cannot say yet when it comes back and will tell you."
            ),
        ),
    }
}

fn local(at: DateTime<Utc>, zone: &str, form: &str) -> String {
    let zone = zone.parse::<Tz>().unwrap_or(Tz::UTC);
    at.with_timezone(&zone).format(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_has_steps_in_both_languages_and_begins_with_safety() {
        assert!(self_help().len() >= 4);
        for step in self_help() {
            assert!(!step.zh.is_empty() && !step.en.is_empty());
        }
        assert!(self_help()[0].en.contains("Safety"));
    }

    #[test]
    fn danger_is_said_first_and_an_outage_with_apology_and_local_time() {
        let known = KnownOutage {
            incident: None,
            off_at: None,
            etr_at: Some("2026-11-22T10:30:00Z".parse().unwrap()),
            announced_end_at: None,
            cause: String::new(),
            class: "PLANNED".to_owned(),
            outage: "o".to_owned(),
            confirmed: true,
        };
        let said = say(&Triage::KnownOutage(known.clone()), false, "Asia/Shanghai");
        assert!(
            said.zh.contains("抱歉") && said.zh.contains("18:30"),
            "{}",
            said.zh
        );
        assert!(
            said.en.contains("sorry") && said.en.contains("18:30 on 22 November"),
            "{}",
            said.en
        );
        let said = say(&Triage::KnownOutage(known), true, "Asia/Shanghai");
        assert!(said.en.starts_with("Keep away"));
    }
}
