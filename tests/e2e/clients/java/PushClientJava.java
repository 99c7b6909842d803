import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.Summary;
import io.prometheus.metrics.exporter.pushgateway.Format;
import io.prometheus.metrics.exporter.pushgateway.PushGateway;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;

/**
 * client_java 1.x; see ../README.md for the arguments. A job that ends in "text" is pushed as text, any other in the
 * library's default format, which is delimited protobuf.
 */
public final class PushClientJava {
  public static void main(String[] args) throws Exception {
    String step = args[0];
    PrometheusRegistry registry = new PrometheusRegistry();
    fill(registry, step, args[1].endsWith("text") ? "java_both_text_seconds" : "java_both_seconds");
    for (int i = 2; i < args.length; i++) {
      PushGateway.Builder builder = PushGateway.builder().address(args[i]).job(args[1]).registry(registry)
          .groupingKey("instance", "j/1").groupingKey("zone", "ä");
      PushGateway gateway = (args[1].endsWith("text") ? builder.format(Format.PROMETHEUS_TEXT) : builder).build();
      try {
        switch (step) {
          case "push" -> gateway.push();
          case "delete" -> gateway.delete();
          default -> gateway.pushAdd();
        }
        System.out.println("ok");
      } catch (IOException error) {
        System.out.println("refused: " + error.getMessage().replace("\n", " "));
      }
    }
  }

  /** Text does not carry native buckets, and Prometheus 2.42 mistakes a family that mixes both kinds; hence two names. */
  private static void fill(PrometheusRegistry registry, String step, String bothName) {
    switch (step) {
      case "push" -> {
        Gauge.builder().name("java_gauge").help("A gauge").labelNames("zone_name").register(registry)
            .labelValues("eu \"west\"").set(1.5);
        Counter.builder().name("java_jobs_total").help("A counter").register(registry).inc(3);
        Histogram classic = Histogram.builder().name("java_seconds").help("A histogram").classicOnly()
            .classicUpperBounds(0.1, 1).register(registry);
        Histogram both = Histogram.builder().name(bothName).help("Classic and native").register(registry);
        for (double value : new double[] {0.05, 0.5, 5}) {
          classic.observe(value);
          both.observe(value);
        }
        Summary.builder().name("java_bytes").help("A summary").quantile(0.5).register(registry).observe(10);
      }
      case "add" -> Gauge.builder().name("java_more").help("Added").register(registry).set(7);
      case "refused" -> Gauge.builder().name("client_taken").help("Taken").register(registry).set(1);
      default -> { }
    }
  }
}
