//! The same reasons in Chinese, for a desk that reads Chinese.

use chrono_tz::Tz;

use super::Refusal;
use crate::domain::{
    form::name_zh,
    outage::State,
    said::{Said, clock},
    window::Fault,
};

impl Refusal {
    /// Why, in both languages; times in Chinese as clocks in `zone` show them.
    pub fn said(&self, zone: Tz) -> Said {
        Said::new(self.zh(zone), self.to_string())
    }

    fn zh(&self, zone: Tz) -> String {
        let at = |at| clock(at, zone);
        match self {
            Self::NotAllowed { state, .. } => {
                format!("该停电单当前为“{}”，不能执行这一步", state_zh(*state))
            }
            Self::OwnPlan => "编制人不能决定自己的计划，须由他人决定".to_owned(),
            Self::OwnWords => "公告文字由本人编写，须由他人审阅后发布".to_owned(),
            Self::Announced => "公告已发布，内容不再更改；请改期或取消".to_owned(),
            Self::InFuture(now) => format!("时间不得晚于当前时间{}", at(*now)),
            Self::Before(then) => format!("时间不得早于{}，前一步在那时发生", at(*then)),
            Self::StillPlanned(end) => {
                format!("已告知客户停到{}；请延时，或在那之后转为故障处理", at(*end))
            }
            Self::NotInFault(n) => {
                format!("{n}户因该停电断电但不在任何故障内；请确认涵盖他们的故障设备，或先复电")
            }
            Self::Window(fault) => window_zh(*fault).to_owned(),
            Self::Collides(_) => "与其他计划、年度限额或单电源重要客户有冲突，须说明理由".to_owned(),
            Self::WrongTemplate(n) => format!("{n}户的供电电压高于该模板，请改用高压模板"),
            Self::NotConsidered(what) => {
                format!("未说明以下替代措施为何不可行：{}", names(what))
            }
            Self::NotSigned(who) => format!("尚未会签：{}", names(who)),
            Self::SignRefused(who) => format!("会签被拒：{}；请修改后重新送签，或取消", names(who)),
            Self::Locked(locks) => {
                let locks: Vec<_> = locks.iter().map(|lock| lock_zh(lock)).collect();
                format!("已锁定（{}）；请解除锁定或另选日期", locks.join("、"))
            }
            Self::NotAgreed(n) => format!("{n}户专线客户既未同意也未作决定；沉默不等于同意"),
            Self::StillTalking(said) | Self::Law(said) => said.zh.clone(),
            Self::NotAnnounced => "停电公告尚未发布".to_owned(),
            Self::NotTold(n) => format!("{n}户须逐户告知的客户没有告知凭证"),
            Self::NotAcknowledged(n) => format!("{n}户重要客户或生命支持客户未确认，升级处理也未办结"),
            Self::NotReached(n) => format!("{n}户未通过任何渠道联系上；须派人上门、张贴或致电"),
            Self::NetworkChanged(n) => {
                format!("电网结构有变化：另有{n}户不在计划内的客户会停电；请重新计算影响范围")
            }
            Self::NotReminded => "停电前一天的提醒尚未发出".to_owned(),
            Self::TooEarly(from) => format!("不得早于{}", at(*from)),
            Self::TooLate(until) => format!("不得晚于{}；请确认推迟开始、改期或取消", at(*until)),
            Self::NotReadBack => "调度许可须复诵后才能记录".to_owned(),
            Self::NoPermit => "这不是该停电单的许可，请重新申请".to_owned(),
            Self::PermitOld => "许可已超过5分钟，请重新申请".to_owned(),
            Self::LateNotTold(n) => format!("{n}户须逐户告知的客户未被告知推迟开始"),
            Self::NotLate => "推迟后的开始时间须在原定开始与结束之间，且不能已经过去".to_owned(),
            Self::BackFeed(n) => format!("{n}户自备电源或双电源客户未确认已与电网隔离"),
            Self::NotCalled(n) => format!("{n}户自备电源、高压或多电源客户在复电前未致电"),
            Self::NotCleared(n) => {
                format!("{n}位负责人未报完工：人员撤离、地线拆除、工作票终结")
            }
            Self::NobodyIn => "没有负责人签到，无法确认作业安全".to_owned(),
            Self::NotTheDay => "只能在停电当日执行；当日之前请取消或改期".to_owned(),
            Self::NotLonger => "新的结束时间须晚于已公告的结束时间".to_owned(),
            Self::NotTooLate => "仍来得及按计划停电足期告知；临时停电只用于不能等的情况".to_owned(),
            Self::Unexplained(_) => "与计划有出入，须填写说明".to_owned(),
        }
    }
}

/// The name of a state, as on the pages.
pub fn state_zh(state: State) -> &'static str {
    match state {
        State::Draft => "草稿",
        State::Submitted => "已提交",
        State::Balanced => "已平衡",
        State::Negotiating => "协商中",
        State::Approved => "已批准",
        State::Noticed => "已公告",
        State::Ready => "待停电",
        State::Off => "已停电",
        State::Working => "施工中",
        State::Restoring => "复电中",
        State::Restored => "已复电",
        State::Archived => "已归档",
        State::Cancelled => "已取消",
        State::Aborted => "当日取消",
    }
}

/// What a manager locked: the kind is ours, the reason stays as it was written.
fn lock_zh(lock: &str) -> String {
    let (kind, reason) = lock.split_once(": ").unwrap_or(("", lock));
    match lock_kind_zh(kind) {
        "" => lock.to_owned(),
        kind => format!("{kind}：{reason}"),
    }
}

/// The name of a kind of lock; empty for a kind nobody knows.
pub fn lock_kind_zh(kind: &str) -> &'static str {
    match kind {
        "event" => "重大活动",
        "holiday" => "节假日",
        "weather" => "恶劣天气",
        "guarantee" => "保供电",
        _ => "",
    }
}

fn names(words: &[String]) -> String {
    let names: Vec<_> = words.iter().map(|word| name_zh(word)).collect();
    names.join("、")
}

fn window_zh(fault: Fault) -> &'static str {
    match fault {
        Fault::TooShort => "结束时间须至少比开始时间晚5分钟",
        Fault::TooLong => "结束时间最多比开始时间晚7天；更长的工作请分段计划",
        Fault::Past => "开始时间须在将来",
        Fault::TooFar => "开始时间须在400天之内",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::window::Instant;

    fn all(at: Instant) -> Vec<Refusal> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let law = || {
            Said::new(
                "按规则，最早为2026-03-08 09:00",
                "earliest 2026-03-08T09:00+08:00",
            )
        };
        let mut all = vec![
            Refusal::OwnPlan,
            Refusal::OwnWords,
            Refusal::Announced,
            Refusal::InFuture(at),
            Refusal::Before(at),
            Refusal::StillPlanned(at),
            Refusal::NotInFault(7),
            Refusal::Collides("7 plans".to_owned()),
            Refusal::WrongTemplate(7),
            Refusal::NotConsidered(words(&["live_work", "generator_truck"])),
            Refusal::NotSigned(words(&["dispatch", "of_tomorrow"])),
            Refusal::SignRefused(words(&["dispatch"])),
            Refusal::Locked(words(&["event: 高考", "guarantee: 两会", "of_tomorrow: 某事"])),
            Refusal::NotAgreed(7),
            Refusal::StillTalking(law()),
            Refusal::NotAnnounced,
            Refusal::NotTold(7),
            Refusal::Law(law()),
            Refusal::NotAcknowledged(7),
            Refusal::NotReached(7),
            Refusal::NetworkChanged(7),
            Refusal::NotReminded,
            Refusal::TooEarly(at),
            Refusal::TooLate(at),
            Refusal::NotReadBack,
            Refusal::NoPermit,
            Refusal::PermitOld,
            Refusal::LateNotTold(7),
            Refusal::NotLate,
            Refusal::BackFeed(7),
            Refusal::NotCalled(7),
            Refusal::NotCleared(7),
            Refusal::NobodyIn,
            Refusal::NotTheDay,
            Refusal::NotLonger,
            Refusal::NotTooLate,
            Refusal::Unexplained("overrun".to_owned()),
        ];
        let event = "outage.moved";
        all.extend(
            State::ALL
                .iter()
                .map(|&state| Refusal::NotAllowed { state, event }),
        );
        let faults = [Fault::TooShort, Fault::TooLong, Fault::Past, Fault::TooFar];
        all.extend(faults.map(Refusal::Window));
        all
    }

    /// No English word is left on a Chinese board, save a word nobody has a name for; and each says something else.
    #[test]
    fn every_refusal_is_said_in_chinese() {
        let at: Instant = "2026-03-08T01:00:00Z".parse().unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for one in all(at) {
            let Said { zh, en } = one.said(chrono_tz::Asia::Shanghai);
            let known = zh.replace("of_tomorrow", "");
            assert!(!known.contains(|c: char| c.is_ascii_alphabetic()), "{zh}");
            assert!(zh.chars().filter(|c| *c > '\u{2e80}').count() > 3, "{zh}");
            assert!(
                !en.contains(|c: char| c > '\u{2e80}') || matches!(one, Refusal::Locked(_)),
                "{en}"
            );
            let is_short = matches!(one, Refusal::Collides(_));
            assert!(is_short || en.contains('7') == zh.contains('7'), "{zh} / {en}");
            let is_law = matches!(one, Refusal::Law(_) | Refusal::StillTalking(_));
            assert!(seen.insert(zh.clone()) || is_law, "said twice: {zh}");
        }
    }

    #[test]
    fn times_and_names_are_those_of_the_place() {
        let at: Instant = "2026-03-08T01:00:00Z".parse().unwrap();
        let zh = |one: Refusal| one.said(chrono_tz::Asia::Shanghai).zh;
        assert_eq!(zh(Refusal::TooEarly(at)), "不得早于2026-03-08 09:00");
        let signed = Refusal::NotSigned(vec!["dispatch".to_owned(), "marketing".to_owned()]);
        assert_eq!(zh(signed), "尚未会签：调度部门、市场部门");
        let locked = Refusal::Locked(vec!["event: 高考".to_owned()]);
        assert_eq!(zh(locked), "已锁定（重大活动：高考）；请解除锁定或另选日期");
    }
}
