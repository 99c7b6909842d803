import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.Gauge;
import io.prometheus.client.Histogram;
import io.prometheus.client.Summary;
import io.prometheus.client.exporter.PushGateway;
import java.io.IOException;
import java.util.Map;

/** The old simpleclient_pushgateway; see ../README.md for the arguments. */
public final class PushSimpleclient {
  public static void main(String[] args) throws Exception {
    String step = args[0];
    CollectorRegistry registry = new CollectorRegistry();
    fill(registry, step);
    Map<String, String> key = Map.of("instance", "s/1");
    for (int i = 2; i < args.length; i++) {
      PushGateway gateway = new PushGateway(args[i]);
      try {
        switch (step) {
          case "push" -> gateway.push(registry, args[1], key);
          case "delete" -> gateway.delete(args[1], key);
          default -> gateway.pushAdd(registry, args[1], key);
        }
        System.out.println("ok");
      } catch (IOException error) {
        System.out.println("refused: " + error.getMessage().replace("\n", " "));
      }
    }
  }

  private static void fill(CollectorRegistry registry, String step) {
    switch (step) {
      case "push" -> {
        Gauge.build("simple_gauge", "A gauge").labelNames("zone_name").register(registry).labels("eu \"west\"").set(1.5);
        Counter.build("simple_jobs_total", "A counter").register(registry).inc(3);
        Histogram histogram = Histogram.build("simple_seconds", "A histogram").buckets(0.1, 1).register(registry);
        for (double value : new double[] {0.05, 0.5, 5}) {
          histogram.observe(value);
        }
        Summary.build("simple_bytes", "A summary").quantile(0.5, 0.05).register(registry).observe(10);
      }
      case "add" -> Gauge.build("simple_more", "Added").register(registry).set(7);
      case "refused" -> Gauge.build("client_taken", "Taken").register(registry).set(1);
      default -> { }
    }
  }
}
