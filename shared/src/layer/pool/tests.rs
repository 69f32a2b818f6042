use super::Reciprocal;

/// For all counts up to 300 and all sums; for larger ones, the sums at the ends of the means.
#[test]
fn means_are_those_of_divisions() {
    for count in (1..=300).chain([1000, 4096, 40_000, 65_025]) {
        let reciprocal = Reciprocal::of(count);
        let check = |sum: u32| assert_eq!(reciprocal.mean(sum), (sum + count / 2) / count, "{sum} of {count}");
        if count <= 300 {
            (0..=255 * count).for_each(check);
        } else {
            for mean in 0..254 {
                let half = mean * count + count / 2;
                [half - 1, half, half + 1, half + count].into_iter().for_each(check);
            }
            check(255 * count);
        }
    }
}
