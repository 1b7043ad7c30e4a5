// A view that fails says so; the rest of the page stays.
import { Component, type ReactNode } from "react";

interface Props { what: string; children: ReactNode }

export class Boundary extends Component<Props, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="sw-alert sw-failed" role="alert">
        <strong>{this.props.what} cannot be shown.</strong>
        <p>This is a defect of the page, not of your pipeline: {error.message}</p>
        <button type="button" className="sw-button" onClick={() => this.setState({ error: null })}>Try again</button>
      </div>
    );
  }
}
