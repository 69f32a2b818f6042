use std::path::Path;
fn main() {
    let r = pinhole::recipe::Recipe::find(&std::env::args().nth(1).unwrap()).unwrap();
    let root = Path::new("../shared/photos/article");
    let t = pinhole::photos::load(&root.join("train"), 50, None).unwrap();
    let v = pinhole::photos::load(&root.join("test"), 50, Some(&t.classes)).unwrap();
    let s = std::time::Instant::now();
    let l = pinhole::photos::load(Path::new("../shared/photos/large/train"), 50, Some(&t.classes)).unwrap();
    println!("large {} in {:?} warnings {}", l.examples.len(), s.elapsed(), l.warnings.len());
    for seed in 0..3 {
    let o = pinhole::train::train(&r, &t, &v, seed, |_| std::ops::ControlFlow::Continue(())).unwrap();
    for bits in [pinhole::quantize::ActivationBits::Sixteen, pinhole::quantize::ActivationBits::Eight] {
    let m = pinhole::quantize::quantize(&o.network, &t, bits).unwrap();
    println!("{:?}", pinhole::quantize::measure(&o.network, &m, &v).unwrap());
    let inputs: Vec<&[u8]> = l.examples.iter().map(|e| &e.pixels[..]).collect();
    let f = o.network.logits(&inputs).unwrap();
    let mut e = m.engine();
    let agree = f.iter().zip(&inputs).filter(|(f, i)| (f[1] > f[0]) as u16 == e.run(i).class).count();
    println!("seed {seed} bytes {} agree {agree} of {} = {}", m.bytes().len(), f.len(), agree as f64/f.len() as f64);
    }}
}
