use std::path::Path;
use std::time::Instant;
fn main() {
    let r = pinhole::recipe::Recipe::find("baseline-dropout").unwrap();
    let root = Path::new("../shared/photos/article");
    let t = pinhole::photos::load(&root.join("train"), 50, None).unwrap();
    let v = pinhole::photos::load(&root.join("test"), 50, Some(&t.classes)).unwrap();
    let seeds: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let mut sums=[0.0;3];
    for seed in 0..seeds {
        let s = Instant::now();
        let o = pinhole::train::train(&r, &t, &v, seed, |_| std::ops::ControlFlow::Continue(())).unwrap();
        if seeds < 10 {println!("{seed} {:?} best {:?} last {:?}", s.elapsed(), o.best, o.epochs.last().unwrap().validation_loss);}
        sums[0]+=o.best.validation_accuracy; sums[1]+=o.best.validation_loss; sums[2]+=o.best.epoch as f64;
    }
    println!("{:?}", sums.map(|s| s/seeds as f64));
}
