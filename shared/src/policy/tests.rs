use super::*;
use proptest::prelude::*;
use std::vec::Vec;

fn decided(class: u16, probability: u32) -> Decision {
    Decision { class, probability: Probability(probability) }
}

/// All pairs of 8-bit numbers, against the rule stated in [`Policy::new`].
#[test]
fn only_majorities_of_a_window_are_policies() {
    for (needed, window) in (0..=u8::MAX).flat_map(|needed| (0..=u8::MAX).map(move |window| (needed, window))) {
        let (n, m) = (u32::from(needed), u32::from(window));
        let is_one = 1 <= n && n <= m && m <= 16 && 2 * n > m;
        let policy = Policy::new(Probability(0), needed, window);
        assert_eq!(policy.is_ok(), is_one, "{needed} of {window}");
        assert!(is_one || policy == Err(PolicyError::Votes { needed, window }));
    }
    assert!(Policy::new(Probability(65_536), 1, 1).is_ok());
    assert_eq!(Policy::new(Probability(65_537), 1, 1), Err(PolicyError::Probability { got: 65_537 }));
    assert_eq!(Policy::new(Probability(0), 1, 1), Ok(Policy::NONE));
    assert_eq!(Policy::default(), Policy::NONE);
}

#[test]
fn a_frame_alone_is_judged_by_its_probability() {
    let policy = Policy::new(Probability(40_000), 1, 1).unwrap();
    assert_eq!(policy.judge(decided(3, 40_000)), Verdict::Class(3));
    assert_eq!(policy.judge(decided(3, 39_999)), Verdict::Unknown);
    assert_eq!(Policy::NONE.judge(decided(7, 0)), Verdict::Class(7));
    let certain = Policy::new(Probability(65_536), 1, 1).unwrap();
    assert_eq!(certain.judge(decided(0, 65_535)), Verdict::Unknown);
    assert_eq!(certain.judge(decided(0, 65_536)), Verdict::Class(0));
}

/// 2 of 3, by hand: a frame below the threshold votes for no class, and the winner may differ from the last frame's
/// class.
#[test]
fn two_of_three() {
    let policy = Policy::new(Probability(100), 2, 3).unwrap();
    let mut smoother = Smoother::default();
    let frames = [(1, 100), (1, 100), (0, 100), (0, 99), (0, 100), (1, 100), (1, 100), (2, 100), (0, 100)];
    let answers = frames.map(|(class, probability)| smoother.see(&policy, decided(class, probability)));
    let [no, zero, one] = [Verdict::Unknown, Verdict::Class(0), Verdict::Class(1)];
    assert_eq!(answers, [no, one, one, no, zero, no, one, one, no]);
    smoother.reset();
    assert_eq!(smoother.see(&policy, decided(1, 100)), no, "what was seen before is forgotten");
}

/// A policy from the link is checked when decoded; a valid one is unchanged by encoding and decoding.
#[test]
fn what_is_received_is_checked() {
    let mut bytes = [0; 16];
    let policy = Policy::new(Probability(52_429), 9, 16).unwrap();
    let sent = postcard::to_slice(&policy, &mut bytes).unwrap();
    assert_eq!(postcard::from_bytes(sent), Ok(policy));
    let unchecked: UncheckedPolicy = postcard::from_bytes(sent).unwrap();
    assert_eq!(Policy::try_from(unchecked), Ok(policy));
    assert_eq!(UncheckedPolicy::from(policy), unchecked);
    let invalid = UncheckedPolicy { needed: 8, ..unchecked };
    let sent = postcard::to_slice(&invalid, &mut bytes).unwrap();
    assert!(postcard::from_bytes::<Policy>(sent).is_err());
}

/// Generates any policy.
fn any_policy() -> impl Strategy<Value = Policy> {
    (0..4_u32, 1..=MAX_WINDOW).prop_flat_map(|(min, window)| {
        (window / 2 + 1..=window).prop_map(move |needed| Policy::new(Probability(min), needed, window).unwrap())
    })
}

#[test]
fn errors_say_what_was_asked_for() {
    let texts = [PolicyError::Probability { got: 65_537 }, PolicyError::Votes { needed: 2, window: 4 }];
    assert_eq!(
        texts.map(|error| std::format!("{error}")),
        ["a least probability of 65537 of 65536 parts", "2 of 4 frames, which is not more than half of 1 to 16"]
    );
}

proptest! {
    /// Compares with counting over all frames seen, with another policy after a reset. Few classes and probabilities,
    /// so that votes collide and fall short.
    #[test]
    fn the_smoothed_answer_is_the_class_with_enough_votes(
        runs in proptest::collection::vec(
            (any_policy(), proptest::collection::vec((0..3_u16, 0..4_u32), 0..40)),
            1..4,
        )
    ) {
        let mut smoother = Smoother::default();
        for (policy, frames) in runs {
            smoother.reset();
            for seen in 1..=frames.len() {
                let (class, probability) = frames[seen - 1];
                let answer = smoother.see(&policy, decided(class, probability));
                let window = &frames[seen.saturating_sub(policy.window().into())..seen];
                let votes = |class: u16| {
                    window.iter().filter(|&&(c, p)| c == class && p >= policy.min_probability().0).count()
                };
                let winners: Vec<u16> = (0..3).filter(|&class| votes(class) >= policy.needed().into()).collect();
                prop_assert!(winners.len() <= 1, "{winners:?}");
                prop_assert_eq!(answer, winners.first().map_or(Verdict::Unknown, |&class| Verdict::Class(class)));
                if policy.window() == 1 {
                    prop_assert_eq!(answer, policy.judge(decided(class, probability)));
                }
            }
        }
    }
}
